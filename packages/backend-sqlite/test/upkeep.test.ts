import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ManualEnvironment } from "@ocistore/backend-suite";
import { systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import { bytes, fresh, push } from "./support/layouts.ts";
import { connection } from "./support/place.ts";

const HOUR = 3_600_000;

test("a collection clears away what the dead have left: uploads, sessions, unfinished files, and the trash when its time has come", async () => {
  const env = new ManualEnvironment(systemEnvironment.now());
  const { directory, store } = await fresh({ env });
  const { layer } = await push(store, "a");
  await store.repository().delete("a", { window: 2 * HOUR });
  const upload = await store.parts.blobs.upload("left", { create: true });
  await upload.write(
    (async function* () {
      yield bytes("half");
    })(),
    { at: 0 },
  );
  await store
    .repository()
    .openSession("somebody")
    .putBlob({ stream: bytes("claimed") });
  writeFileSync(join(directory, ".ocistore/index.json.new"), "half");
  const old = systemEnvironment.now() / 1000 - 6 * 3600;
  for (const name of ["index.json.new", "uploads/left"]) utimesSync(join(directory, ".ocistore", name), old, old);

  await store.collect();
  expect(existsSync(join(directory, "blobs", ...layer.digest.split(":")))).toBe(true);
  env.advance(6 * HOUR);
  for (let round = 0; round < 2; round++) await store.collect();
  expect(existsSync(join(directory, "blobs", ...layer.digest.split(":")))).toBe(false);
  expect(readdirSync(join(directory, "blobs/sha256"))).toEqual([]);
  expect(readdirSync(join(directory, ".ocistore")).filter((name) => name.endsWith(".new"))).toEqual([]);
  expect(readdirSync(join(directory, ".ocistore/uploads")).filter((name) => !name.startsWith("."))).toEqual([]);
  const db = connection(join(directory, ".ocistore/catalog.db"));
  for (const table of ["owners", "claims", "runs", "condemned", "blobs", "manifests"]) {
    expect({ table, rows: db.prepare(`SELECT * FROM ${table}`).all() }).toEqual({ table, rows: [] });
  }
});
