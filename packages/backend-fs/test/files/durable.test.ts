import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test, vi } from "vitest";
import { makeDirectory, replaceFile, writeAll } from "../../src/files/durable.ts";
import { bytes, names, put, text } from "../support/bytes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace, places, realPlace } from "../support/file-systems.ts";

describe.each(places)("durable writes (%s)", (_, place) => {
  test("replaceFile makes and replaces, and leaves nothing else", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "index.json");
    for (const content of ["first", "second, longer", ""]) {
      expect(await replaceFile(fs, path, bytes(content), { temp: join(directory, "temp") })).toBe(true);
      expect(await text(fs, path)).toBe(content);
      expect(await names(fs, directory)).toEqual(["index.json"]);
    }
  });

  test("replaceFile syncs the bytes before the rename and the directory after it", async () => {
    const { fs, directory } = await place();
    const faulty = faultyFileSystem(fs, { shortWrites: 2 });
    await replaceFile(faulty, join(directory, "a"), bytes("abc"), { temp: join(directory, "t") });
    const made = faulty.calls.map(({ name }) => name);
    expect(made).toEqual(["open", "write", "write", "sync", "close", "rename", "syncDirectory"]);
  });

  test("beforeRename has the last word", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, "old");
    const temp = join(directory, "t");
    expect(await replaceFile(fs, path, bytes("new"), { temp, beforeRename: () => false })).toBe(false);
    const beforeRename = () => Promise.reject(new RangeError("mine"));
    await expect(replaceFile(fs, path, bytes("new"), { temp, beforeRename })).rejects.toThrow(RangeError);
    expect(await names(fs, directory)).toEqual(["a"]);
    expect(await text(fs, path)).toBe("old");
    expect(await replaceFile(fs, path, bytes("new"), { temp, beforeRename: async () => true })).toBe(true);
    expect(await text(fs, path)).toBe("new");
  });

  test("another's temporary file is not touched", async () => {
    const { fs, directory } = await place();
    const temp = join(directory, "t");
    await put(fs, temp, "another's");
    const replacing = replaceFile(fs, join(directory, "a"), bytes("x"), { temp });
    await expect(replacing).rejects.toMatchObject({ code: "UNAVAILABLE", cause: { code: "EEXIST" } });
    expect(await text(fs, temp)).toBe("another's");
  });

  test("an error of any call is reported; the old file stays, the temporary one goes, no handle stays open", async () => {
    const { fs, directory } = await place();
    const faulty = faultyFileSystem(fs);
    const path = join(directory, "a");
    for (const code of ["ENOSPC", "EIO"]) {
      for (let at = 1; ; at++) {
        await replaceFile(fs, path, bytes("old"), { temp: join(directory, "t") });
        faulty.arm({ at, code });
        const done = await replaceFile(faulty, path, bytes("new"), { temp: join(directory, "t") }).catch((e) => e);
        if (done === true) break;
        expect(isOciStoreError(done, code === "EIO" ? "UNAVAILABLE" : "NO_SPACE")).toBe(true);
        expect(faulty.openHandles).toBe(0);
        expect(await names(fs, directory)).toEqual(["a"]);
        const failed = faulty.calls[at - 1]!.name;
        expect(await text(fs, path)).toBe(failed === "syncDirectory" ? "new" : "old");
        expect(faulty.calls.filter(({ name }) => name === "sync").length).toBeLessThan(2);
      }
    }
  });

  test("makeDirectory is idempotent and syncs the parent every time", async () => {
    const { fs, directory } = await place();
    const faulty = faultyFileSystem(fs);
    const path = join(directory, "blobs");
    expect(await makeDirectory(faulty, path)).toBe(true);
    expect(await makeDirectory(faulty, path)).toBe(false);
    const synced = faulty.calls.filter(({ name }) => name === "syncDirectory");
    expect(synced.map((call) => call.path)).toEqual([directory, directory]);
    await put(fs, join(directory, "file"), "");
    const refused = makeDirectory(fs, join(directory, "file"));
    await expect(refused).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    await expect(makeDirectory(fs, join(directory, "none", "a"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("makeDirectory refuses a link to a directory", async () => {
  const { fs, directory } = await realPlace();
  await symlink(directory, join(directory, "blobs"));
  await expect(makeDirectory(fs, join(directory, "blobs"))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});

test("writeAll goes on after short writes and fails when nothing is taken", async () => {
  const { fs, directory } = await memoryPlace();
  const path = join(directory, "a");
  await put(faultyFileSystem(fs, { shortWrites: 3 }), path, "0123456789");
  expect(await text(fs, path)).toBe("0123456789");
  const handle = await fs.open(path, "r+");
  await writeAll(handle, bytes("ab"), 4);
  expect(await text(fs, path)).toBe("0123ab6789");
  const stuck = { ...handle, write: vi.fn(async () => 0) };
  await expect(writeAll(stuck, bytes("ab"), 0)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await handle.close();
});
