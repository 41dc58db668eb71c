import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Declaration, type Factory, type ManualEnvironment, type Pair, suite } from "@ocistore/backend-suite";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../src/files/file-system.ts";
import { nodeFileSystem } from "../src/files/node-file-system.ts";
import { openLayout } from "../src/index.ts";
import { faultyFileSystem } from "./support/faulty-file-system.ts";
import { memoryFileSystem } from "./support/memory-file-system.ts";

const DECLARED: Declaration = {
  blobs: { generations: false, resumableUploads: true, multiWriter: true },
  catalog: { edges: false, queue: false, repositories: false, window: true },
  faults: true,
};

function layouts(makePlace: () => Promise<{ fs: FileSystem; directory: string; remove(): Promise<void> }>): Factory {
  return async (env: ManualEnvironment) => {
    const { fs, directory, remove } = await makePlace();
    const faulty = faultyFileSystem(fs);
    const open = async (): Promise<Pair> => (await openLayout(directory, { create: true, fs: faulty, env })).parts;
    return {
      ...(await open()),
      reopen: open,
      faults: { fail: (error) => faulty.arm(error && { at: () => true, code: "EIO", always: true }) },
      close: remove,
    };
  };
}

const onDisk = layouts(async () => {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-suite-"));
  return {
    fs: nodeFileSystem(),
    directory: join(directory, "layout"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
});

const inMemory = layouts(async () => ({ fs: memoryFileSystem(), directory: "/layout", remove: async () => {} }));

describe("a layout on disk", () => {
  suite({ test, factory: onDisk, declared: DECLARED });
});

describe("a layout on memfs", () => {
  const left = suite({ test, factory: inMemory, declared: DECLARED });
  test("leaves out only what a layout cannot do", () => {
    expect(new Set(left.map(({ group }) => group))).toEqual(new Set(["generations", "edges", "queue", "repositories"]));
  });
});
