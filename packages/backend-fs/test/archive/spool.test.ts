import { readdir, readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { spooled } from "../../src/index.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

async function* pieces(...list: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of list) yield new TextEncoder().encode(piece);
}

test("a stream is a private file for as long as the work takes, and then no more", async () => {
  const directory = await temporaryDirectory();
  const told: number[] = [];
  const work = async (file: string) => {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    return readFile(file, "utf8");
  };
  const onBytes = (done: number) => told.push(done);
  expect(await spooled(pieces("one ", "two"), work, { directory, onBytes })).toBe("one two");
  expect(told).toEqual([4, 7]);
  expect(await readdir(directory)).toEqual([]);
});

test("it goes as well if the work fails, or the stream, or the disk", async () => {
  const directory = await temporaryDirectory();
  const reason = new Error("enough");
  const failing = async () => {
    throw reason;
  };
  await expect(spooled(pieces("x"), failing, { directory })).rejects.toBe(reason);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield* pieces("x");
    throw reason;
  }
  await expect(spooled(broken(), async () => {}, { directory })).rejects.toBe(reason);
  const fs = faultyFileSystem(nodeFileSystem());
  fs.arm({ at: ({ name }) => name === "write", code: "ENOSPC" });
  await expect(spooled(pieces("x"), async () => {}, { directory, fs })).rejects.toMatchObject({ code: "NO_SPACE" });
  expect(await readdir(directory)).toEqual([]);
});
