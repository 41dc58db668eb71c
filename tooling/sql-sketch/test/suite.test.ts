import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Declaration, type Factory, suite } from "@ocistore/backend-suite";
import { MemoryBlobs } from "@ocistore/core";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { SqlCatalog } from "../src/sql-catalog.ts";

/** Several pairs share one of these, as several processes would share a bucket. */
class SharedBlobs extends MemoryBlobs {
  override readonly capabilities = { generations: true, resumableUploads: true, multiWriter: true };
}

const declared: Declaration = {
  blobs: { generations: true, resumableUploads: true, multiWriter: true },
  catalog: { edges: true, queue: false, repositories: true, window: true },
};

const factory: Factory = async (env) => {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-sql-"));
  const blobs = new SharedBlobs(env);
  const open = () => {
    const db = new Database(join(directory, "catalog.db"));
    db.pragma("synchronous = OFF");
    return { blobs, catalog: new SqlCatalog(db, env, { grace: 3_600_000, window: 0, wait: 0 }) };
  };
  return {
    ...open(),
    reopen: async () => open(),
    close: async () => rmSync(directory, { recursive: true, force: true }),
  };
};

describe("a catalog in SQL", () => {
  const left = suite({ test, factory, declared });
  test("leaves out only what it does not declare", () => {
    expect(new Set(left.map(({ group }) => group))).toEqual(
      new Set(["fixedNames", "queue", "oneRepository", "faults"]),
    );
  });
});
