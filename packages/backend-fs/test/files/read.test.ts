import { mkdir, rm, symlink } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { replaceFile } from "../../src/files/durable.ts";
import type { FileSystem } from "../../src/files/file-system.ts";
import { openRegular, type ReadOptions, readChunks, readWhole } from "../../src/files/read.ts";
import { bytes, put, text } from "../support/bytes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { makeFifo, memoryPlace, places, realPlace } from "../support/file-systems.ts";

const CONTENT = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

async function collect(fs: FileSystem, path: string, o?: ReadOptions): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readChunks(fs, path, o)) chunks.push(chunk);
  return chunks;
}

describe.each(places)("reading (%s)", (_, place) => {
  test("readWhole: all of it, or undefined, or too much", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, CONTENT);
    expect(await readWhole(fs, path, 1000)).toEqual(CONTENT);
    expect(await readWhole(faultyFileSystem(fs, { shortReads: 7 }), path, 1000)).toEqual(CONTENT);
    expect(await readWhole(fs, join(directory, "none"), 10)).toBeUndefined();
    const tooMuch = { code: "LAYOUT_INVALID", data: { path, expected: 999, actual: 1000 } };
    await expect(readWhole(fs, path, 999)).rejects.toMatchObject(tooMuch);
    await expect(readWhole(fs, directory, 999)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  });

  test("readChunks: ranges, chunk sizes and short reads", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, CONTENT);
    for (const [start, end] of [
      [0, 1000],
      [0, 0],
      [1000, 1000],
      [999, 1000],
      [1, 700],
    ] as const) {
      for (const chunkSize of [1000, 256, 7]) {
        const chunks = await collect(faultyFileSystem(fs, { shortReads: 100 }), path, { start, end, chunkSize });
        expect(chunks.flatMap((chunk) => [...chunk])).toEqual([...CONTENT.subarray(start, end)]);
        expect(chunks.every((chunk) => chunk.length <= chunkSize)).toBe(true);
        expect(new Set(chunks.map((chunk) => chunk.buffer)).size).toBe(chunks.length);
      }
    }
    expect((await collect(fs, path)).length).toBe(1);
    for (const range of [{ start: 1001 }, { end: 1001 }, { start: 5, end: 4 }, { start: -1 }]) {
      await expect(collect(fs, path, range)).rejects.toMatchObject({ code: "RANGE_INVALID" });
    }
    await expect(collect(fs, join(directory, "none"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("readChunks closes its handle however it ends", async () => {
    const { fs, directory } = await place();
    const faulty = faultyFileSystem(fs);
    const path = join(directory, "a");
    await put(fs, path, CONTENT);
    for await (const _chunk of readChunks(faulty, path, { chunkSize: 10 })) break;
    expect(faulty.openHandles).toBe(0);

    const thrown = readChunks(faulty, path, { chunkSize: 10 });
    await thrown.next();
    await expect(thrown.throw(new RangeError("mine"))).rejects.toThrow(RangeError);
    expect(faulty.openHandles).toBe(0);

    const controller = new AbortController();
    const reason = { why: "enough" };
    const aborted = readChunks(faulty, path, { chunkSize: 10, signal: controller.signal });
    await aborted.next();
    expect(faulty.openHandles).toBe(1);
    controller.abort(reason);
    await expect(aborted.next()).rejects.toBe(reason);
    expect(faulty.openHandles).toBe(0);
    await expect(collect(faulty, path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(faulty.openHandles).toBe(0);

    for (let at = 1; ; at++) {
      faulty.arm({ at, code: "EIO" });
      const done = await collect(faulty, path, { chunkSize: 300 }).catch((error) => error);
      expect(faulty.openHandles).toBe(0);
      if (Array.isArray(done)) break;
      expect(done).toMatchObject({ code: "UNAVAILABLE", cause: { code: "EIO" } });
    }
  });

  test("a file that is replaced between the two looks is opened anew", async () => {
    const { fs, directory } = await place();
    const path = join(directory, "a");
    await put(fs, path, "old");
    let times = 3;
    const racing: FileSystem = {
      ...fs,
      open: async (name, flags) => {
        if (times-- > 0) await replaceFile(fs, path, bytes(`new ${times}`), { temp: join(directory, "t") });
        return fs.open(name, flags);
      },
    };
    expect(await text(racing, path)).toBe("new 0");
    times = 1000;
    await expect(text(racing, path)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});

test("a file that ends early is an error, not an end", async () => {
  const { fs, directory } = await memoryPlace();
  const path = join(directory, "a");
  await put(fs, path, CONTENT);
  const chunks = readChunks(fs, path, { chunkSize: 400 });
  await chunks.next();
  const handle = await fs.open(path, "r+");
  await handle.truncate(600);
  await handle.close();
  await expect(chunks.next()).rejects.toMatchObject({ code: "CORRUPT", data: { expected: 1000, actual: 600 } });
});

test("what is no regular file is refused without being opened, and nothing hangs", async () => {
  const { fs, directory } = await realPlace();
  const at = (name: string) => join(directory, name);
  await mkdir(at("directory"));
  await symlink("/etc/passwd", at("link"));
  await symlink(at("nowhere"), at("dangling"));
  makeFifo(at("fifo"));
  const server = createServer().listen(at("socket"));
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const faulty = faultyFileSystem(fs);
  for (const name of ["directory", "link", "dangling", "fifo", "socket"]) {
    await expect(readWhole(faulty, at(name), 100)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    await expect(collect(faulty, at(name))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  }
  await expect(readWhole(faulty, "/dev/zero", 100)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  expect(faulty.calls.some(({ name }) => name === "open")).toBe(false);
});

test("a link that takes the place of a file between the two looks is not followed", async () => {
  const { fs, directory } = await realPlace();
  const path = join(directory, "a");
  await put(fs, path, "mine");
  const racing: FileSystem = {
    ...fs,
    open: async (name, flags) => {
      await rm(path);
      await symlink("/etc/passwd", path);
      return fs.open(name, flags);
    },
  };
  await expect(openRegular(racing, path)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});
