import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { sqliteCatalog } from "@ocistore/backend-sqlite";
import { type Declaration, type Factory, suite } from "@ocistore/backend-suite";
import { strictServer } from "@ocistore-tooling/s3-strict";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { s3Blobs } from "../src/index.ts";

const GROUND = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A server of its own for each, whose clock is that of the test. */
const factory: Factory = async (env) => {
  const directory = mkdtempSync(join(GROUND, "ocistore-s3-"));
  const server = await strictServer({ now: () => env.now() });
  const { endpoint, credentials } = server;
  const client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
  const connect = () => new Database(join(directory, "catalog.db"));
  const open = async () => {
    const blobs = s3Blobs({ client, bucket: "bucket", prefix: "prod", env });
    return { blobs, catalog: await sqliteCatalog({ connect, blobs, env }) };
  };
  return {
    ...(await open()),
    reopen: open,
    close: async () => {
      client.destroy();
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
};

describe("beside a catalog in SQLite", () => {
  const declared: Declaration = {
    blobs: { generations: true, resumableUploads: true, multiWriter: true },
    catalog: { edges: true, queue: true, repositories: true, window: true },
  };
  const left = suite({ test, factory, declared });

  test("leaves out only what it does not declare", () => {
    expect(new Set(left.map(({ group }) => group))).toEqual(
      new Set(["fixedNames", "noQueue", "oneRepository", "faults"]),
    );
  });
});
