import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { type Declaration, type Factory, type ManualEnvironment, suite } from "@ocistore/backend-suite";
import { type BlobStore, type Environment, MemoryBlobs } from "@ocistore/core";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { sqliteCatalog } from "../src/index.ts";

/** In memory, where there is such a place: that a commit outlives the power is shown elsewhere. */
const GROUND = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** Several pairs share one of these, as several processes would share a disk. */
function shared(env: Environment, generations: boolean): BlobStore {
  const blobs = new MemoryBlobs(env, { generations });
  const capabilities = { ...blobs.capabilities, multiWriter: true };
  return Object.defineProperty(blobs, "capabilities", { value: capabilities });
}

type MakeBlobs = (directory: string, env: ManualEnvironment) => Promise<() => Promise<BlobStore>>;

const inMemory =
  (generations: boolean): MakeBlobs =>
  async (_, env) => {
    const blobs = shared(env, generations);
    return async () => blobs;
  };

const inLayout: MakeBlobs = async (directory, env) => async () =>
  (await openLayout(join(directory, "layout"), { create: true, env })).parts.blobs;

function factory(makeBlobs: MakeBlobs): Factory {
  return async (env) => {
    const directory = mkdtempSync(join(GROUND, "ocistore-sqlite-"));
    const openBlobs = await makeBlobs(directory, env);
    const connect = () => new Database(join(directory, "catalog.db"));
    const open = async () => {
      const blobs = await openBlobs();
      return { blobs, catalog: await sqliteCatalog({ connect, blobs, env }) };
    };
    return {
      ...(await open()),
      reopen: open,
      close: async () => rmSync(directory, { recursive: true, force: true }),
    };
  };
}

describe.each([
  ["in memory, under fixed names", inMemory(false), false],
  ["in memory, each upload in a place of its own", inMemory(true), true],
  ["in a layout on disk", inLayout, false],
])("beside bytes %s", (_, makeBlobs, generations) => {
  const declared: Declaration = {
    blobs: { generations, resumableUploads: true, multiWriter: true },
    catalog: { edges: true, queue: true, repositories: true, window: true },
  };
  const left = suite({ test, factory: factory(makeBlobs), declared });

  test("leaves out only what it does not declare", () => {
    const names = generations ? "fixedNames" : "generations";
    expect(new Set(left.map(({ group }) => group))).toEqual(new Set([names, "noQueue", "oneRepository", "faults"]));
  });
});
