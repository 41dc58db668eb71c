import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Declaration, type Factory, suite } from "@ocistore/backend-suite";
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

function factory(generations: boolean): Factory {
  return async (env) => {
    const directory = mkdtempSync(join(GROUND, "ocistore-sqlite-"));
    const blobs = shared(env, generations);
    const connect = () => new Database(join(directory, "catalog.db"));
    const open = async () => ({ blobs, catalog: await sqliteCatalog({ connect, blobs, env }) });
    return {
      ...(await open()),
      reopen: open,
      close: async () => rmSync(directory, { recursive: true, force: true }),
    };
  };
}

describe.each([
  ["where names are fixed", false],
  ["where each upload has a place of its own", true],
])("beside bytes in memory, %s", (_, generations) => {
  const declared: Declaration = {
    blobs: { generations, resumableUploads: true, multiWriter: true },
    catalog: { edges: true, queue: true, repositories: true, window: true },
  };
  const left = suite({ test, factory: factory(generations), declared });

  test("leaves out only what it does not declare", () => {
    const names = generations ? "fixedNames" : "generations";
    expect(new Set(left.map(({ group }) => group))).toEqual(new Set([names, "noQueue", "oneRepository", "faults"]));
  });
});
