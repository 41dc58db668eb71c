import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lookAtAll, quickRead } from "../../src/files/bulk.ts";
import { SMALL_FILE } from "../../src/files/bulk-thread.ts";
import { serveBulk } from "../../src/files/bulk-worker.ts";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { readWhole } from "../../src/files/read.ts";

const MANY = 200;
const fs = nodeFileSystem();

/** Of each kind that there is, among so many files that they are looked at together. */
function scene(): { readonly directory: string; readonly paths: readonly string[] } {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-fs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string) => join(directory, name);
  for (let number = 0; number < MANY; number++) writeFileSync(at(`file-${number}`), "x".repeat(number));
  writeFileSync(at("large"), Buffer.alloc(SMALL_FILE + 1, 7));
  mkdirSync(at("directory"));
  symlinkSync(at("file-1"), at("link"));
  symlinkSync(at("nowhere"), at("dangling"));
  chmodSync(at("file-3"), 0o600);
  const files = Array.from({ length: MANY }, (_, number) => at(`file-${number}`));
  const others = ["large", "directory", "link", "dangling", "absent", "file-1/below", "ä\nb"].map(at);
  return { directory, paths: [...files, ...others] };
}

/** A failure by its code. */
async function outcome<T>(work: Promise<T>): Promise<T | string> {
  return work.catch((error: { code?: string }) => `failed: ${error.code}`);
}

test("of many files at once is said what is said of each alone", async () => {
  const { paths } = scene();
  const together = await Promise.all(paths.map((path) => outcome(fs.lstat(path))));
  for (const [place, path] of paths.entries()) expect(together[place]).toEqual(await outcome(fs.lstat(path)));
  const found = await lookAtAll(fs, paths);
  for (const [place, each] of found.entries()) if (each) expect(each).toEqual({ stat: together[place] });
  expect(found.filter((each) => each !== undefined).length).toBeGreaterThan(MANY);
  const read = await lookAtAll(fs, paths, { limit: 5 });
  expect(read.slice(0, 7).map((each) => each?.bytes?.length)).toEqual([0, 1, 2, 3, 4, 5, undefined]);
});

test("many files are read as each alone, small or large, and what is no file is refused", async () => {
  const { paths } = scene();
  const together = await Promise.all(paths.map((path) => outcome(readWhole(fs, path, 2 * SMALL_FILE))));
  for (const [place, path] of paths.entries()) {
    expect(together[place]).toEqual(await outcome(readWhole(fs, path, 2 * SMALL_FILE)));
  }
  expect(together[5]).toEqual(new TextEncoder().encode("xxxxx"));
  expect(together.slice(MANY)).toMatchObject([
    { length: SMALL_FILE + 1 },
    "failed: LAYOUT_INVALID",
    "failed: LAYOUT_INVALID",
    "failed: LAYOUT_INVALID",
    undefined,
    "failed: LAYOUT_INVALID",
    undefined,
  ]);
});

test("no more than the limit is read of many files either", async () => {
  const { paths } = scene();
  const together = await Promise.all(paths.slice(0, MANY).map((path) => outcome(readWhole(fs, path, 100))));
  expect(together.filter((each) => each === "failed: LAYOUT_INVALID")).toHaveLength(MANY - 101);
});

test("a file system that wraps this one is asked call by call", async () => {
  const { paths } = scene();
  const wrapper = { ...fs };
  expect(await quickRead(wrapper, paths[4]!)).toBeUndefined();
  expect((await lookAtAll(wrapper, paths)).every((stat) => stat === undefined)).toBe(true);
});

test("what goes while it is looked at is absent, and nothing else", async () => {
  const { directory, paths } = scene();
  rmSync(directory, { recursive: true });
  const together = await Promise.all(paths.map((path) => outcome(fs.lstat(path))));
  expect(new Set(together)).toEqual(new Set([undefined]));
});

test("what the thread runs stands by itself, also where a bundler has put something in the place of require", () => {
  expect(serveBulk.toString()).not.toMatch(/require\(/);
});
