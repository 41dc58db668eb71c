import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@ocistore/core";
import { expect, test } from "vitest";
import { nodeFileSystem, openLayout } from "../../src/index.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

const PIECE = 8 * 1024 * 1024;
const PIECES = 12;

async function* large(): AsyncGenerator<Uint8Array> {
  for (let number = 0; number < PIECES; number++) yield new Uint8Array(PIECE).fill(number);
}

const isOfUpload = (name: string, path: string) => name === "sync" && path.includes("/uploads/");

async function place() {
  const directory = join(await temporaryDirectory(), "layout");
  const fs = faultyFileSystem(nodeFileSystem());
  const store = await openLayout(directory, { create: true, fs });
  const session = store.repository().openSession("s");
  await session.putBlob(new Uint8Array(1));
  return { directory, fs, store, session };
}

test("of a large blob the disk gets a part while more comes; the sync at the end comes after the last byte", async () => {
  const { directory, fs, store, session } = await place();
  const before = fs.calls.length;
  const { digest, size } = await session.putBlob({ stream: large() });
  const calls = fs.calls.slice(before).filter(({ path }) => path.includes("/uploads/"));
  const syncs = calls.filter(({ name }) => name === "sync").length;
  expect(syncs).toBeGreaterThan(1);
  expect(syncs).toBeLessThanOrEqual(1 + (PIECE * PIECES) / (32 * 1024 * 1024));
  const names = calls.map(({ name }) => name);
  expect(names.lastIndexOf("sync")).toBeGreaterThan(names.lastIndexOf("write"));
  expect((await stat(join(directory, "blobs", ...digest.split(":")))).size).toBe(size);
  await store.close();
});

test("if the disk fails meanwhile, nothing is stored, no sync is tried again, and nothing is left to go on with", async () => {
  const { directory, fs, store, session } = await place();
  const blobs = () => readdir(join(directory, "blobs/sha256"));
  const before = await blobs();
  fs.arm({ at: ({ name, path }) => isOfUpload(name, path), code: "EIO" });
  await expect(session.putBlob({ stream: large() }, { resume: "u" })).rejects.toMatchObject({
    cause: { code: "EIO" },
  });
  expect(fs.calls.filter(({ name, path }) => isOfUpload(name, path))).toHaveLength(1);
  expect(await blobs()).toEqual(before);
  expect(await readdir(join(directory, ".ocistore/uploads"))).toEqual([]);
  expect(fs.openHandles).toBe(0);

  const pieces: Uint8Array[] = [];
  for await (const piece of large()) pieces.push(piece);
  const { digest } = await session.putBlob({ stream: large() }, { resume: "u" });
  expect(digest).toBe(digestOf(Buffer.concat(pieces)));
  await store.close();
});
