import { type FileHandle, open, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { DirectoryEntry } from "../../src/files/file-system.ts";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { bytes, put, text } from "../support/bytes.ts";
import { makeFifo, places, realPlace } from "../support/file-systems.ts";
import type { MemoryFileSystem } from "../support/memory-file-system.ts";

describe.each(places)("FileSystem (%s)", (_, place) => {
  test("wx creates and never replaces", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, "one");
    await expect(fs.open(path, "wx")).rejects.toMatchObject({ code: "EEXIST" });
    const stat = (await fs.lstat(path))!;
    expect(stat).toMatchObject({ kind: "file", size: 3 });
    expect(stat.mode & 0o700).toBe(0o600);
  });

  test("absent is undefined, or an error that says so; what is not absent is neither", async () => {
    const { fs, directory } = await place();
    await put(fs, join(directory, "file"), "x");
    expect(await fs.lstat(join(directory, "none"))).toBeUndefined();
    const absent = { code: "ENOENT" };
    const none = join(directory, "none");
    await expect(fs.open(none, "r")).rejects.toMatchObject(absent);
    await expect(fs.open(none, "r+")).rejects.toMatchObject(absent);
    await expect(fs.unlink(none)).rejects.toMatchObject(absent);
    await expect(fs.rename(none, join(directory, "b"))).rejects.toMatchObject(absent);
    await expect(fs.link(none, join(directory, "b"))).rejects.toMatchObject(absent);
    await expect(fs.mkdir(join(none, "deeper"))).rejects.toMatchObject(absent);
    await expect(fs.syncDirectory(none)).rejects.toMatchObject(absent);
    await expect(fs.realpath(none)).rejects.toMatchObject(absent);
    await expect(fs.readdir(none)[Symbol.asyncIterator]().next()).rejects.toMatchObject(absent);
    await expect(fs.lstat(join(directory, "file", "inside"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  test("a symbolic link is no file and is not followed", async () => {
    const { fs, directory } = await place();
    const [path, target] = [join(directory, "link"), join(directory, "target")];
    await put(fs, target, "secret");
    if ("volume" in fs) (fs as MemoryFileSystem).volume.symlinkSync(target, path);
    else await symlink(target, path);
    expect((await fs.lstat(path))?.kind).toBe("other");
    await expect(fs.open(path, "r")).rejects.toMatchObject({ code: "ELOOP" });
    await expect(fs.open(path, "r+")).rejects.toMatchObject({ code: "ELOOP" });
    await expect(fs.open(path, "wx")).rejects.toMatchObject({ code: "EEXIST" });
    await fs.touch(path, 1_000_000);
    expect((await fs.lstat(target))!.modified).not.toBe(1_000_000);
  });

  test("two names of one file have one identity; link refuses a name that is taken, rename does not", async () => {
    const { fs, directory } = await place();
    const [a, b, c] = ["a", "b", "c"].map((name) => join(directory, name)) as [string, string, string];
    await put(fs, a, "a");
    await put(fs, c, "c");
    await fs.link(a, b);
    expect((await fs.lstat(b))!.identity).toBe((await fs.lstat(a))!.identity);
    expect((await fs.lstat(c))!.identity).not.toBe((await fs.lstat(a))!.identity);
    await expect(fs.link(a, c)).rejects.toMatchObject({ code: "EEXIST" });
    await fs.rename(b, c);
    expect(await text(fs, c)).toBe("a");
  });

  test("directories: made once, listed with kinds, removed only when empty", async () => {
    const { fs, directory } = await place();
    const made = join(directory, "d");
    expect(await fs.mkdir(made)).toBe(true);
    expect(await fs.mkdir(made)).toBe(false);
    await put(fs, join(made, "f"), "");
    await fs.mkdir(join(made, "e"));
    const entries: DirectoryEntry[] = [];
    for await (const entry of fs.readdir(made)) entries.push(entry);
    expect(entries.sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "e", kind: "directory" },
      { name: "f", kind: "file" },
    ]);
    await expect(fs.rmdir(made)).rejects.toMatchObject({ code: "ENOTEMPTY" });
    await fs.rmdir(join(made, "e"));
    await fs.syncDirectory(made);
  });

  test("times are set and read to the millisecond, modes too", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, "");
    for (const ms of [0, 1, 1_700_000_000_123, 1_700_000_000_999]) {
      await fs.touch(path, ms);
      expect((await fs.lstat(path))!.modified).toBe(ms);
    }
    await fs.chmod(path, 0o600);
    expect((await fs.lstat(path))!.mode).toBe(0o600);
  });

  test("a handle reads, writes, cuts and knows its file after the name is gone", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, "0123456789");
    const handle = await fs.open(path, "r+");
    expect(await handle.write(bytes("XY"), 0, 2, 3)).toBe(2);
    await handle.truncate(6);
    await handle.sync();
    await fs.unlink(path);
    const buffer = new Uint8Array(10);
    expect(await handle.read(buffer, 1, 9, 2)).toBe(4);
    expect(new TextDecoder().decode(buffer.subarray(1, 5))).toBe("2XY5");
    expect(await handle.read(buffer, 0, 10, 6)).toBe(0);
    expect(await handle.stat()).toMatchObject({ kind: "file", size: 6 });
    await handle.close();
  });
});

test("a fifo does not hang", async () => {
  const { directory } = await realPlace();
  const path = join(directory, "fifo");
  makeFifo(path);
  const fs = nodeFileSystem();
  expect((await fs.lstat(path))?.kind).toBe("other");
  const handle = await fs.open(path, "r");
  expect((await handle.stat()).kind).toBe("other");
  await handle.close();
});

test("a sync is one of the operating system, of a file and of a directory", async () => {
  const { fs, directory } = await realPlace();
  const probe = await open(directory, "r");
  const prototype: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  const sync = vi.spyOn(prototype, "sync");
  onTestFinished(() => sync.mockRestore());
  const handle = await fs.open(join(directory, "a"), "wx");
  await handle.sync();
  await handle.close();
  expect(sync).toHaveBeenCalledTimes(1);
  await fs.syncDirectory(directory);
  expect(sync).toHaveBeenCalledTimes(2);
});
