import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryBlobs, openStore, packManifest, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { sqliteCatalog } from "../src/index.ts";

/** A store whose clock can be made to run: each look at it then takes as long as a command may. */
async function slowly() {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-pause-"));
  const clock = { slow: 0 };
  let now = systemEnvironment.now();
  const env = {
    ...systemEnvironment,
    now: () => {
      now += clock.slow;
      return Math.floor(now);
    },
  };
  const blobs = new MemoryBlobs(env, { generations: false });
  const catalog = await sqliteCatalog({ connect: () => new Database(join(directory, "catalog.db")), blobs, env });
  const store = await openStore({ blobs, catalog, env });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { store, catalog, clock };
}

test("a change that takes long lets the rest of the process go on, and is not seen before it is whole", async () => {
  const { store, catalog, clock } = await slowly();
  const app = store.repository("app");
  const tags = Array.from({ length: 50 }, (_, number) => `v${number}`);
  await app.session((session) =>
    session.putManifest(packManifest({ artifactType: "application/vnd.example" }), { tags }),
  );

  clock.slow = 25;
  const change = catalog.change(
    "app",
    tags.map((name) => ({ do: "untag", name }) as const),
  );
  const seen: number[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      let count = 0;
      for await (const _ of catalog.tags("app")) count += 1;
      seen.push(count);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await change;
  isOver = true;
  await watching;
  expect(seen.filter((count) => count === tags.length).length).toBeGreaterThan(10);
  expect(seen.filter((count) => count !== 0 && count !== tags.length)).toEqual([]);
});

test("a plan of much garbage lets the rest of the process go on", async () => {
  const { store, clock } = await slowly();
  const GARBAGE = 50;
  await store.repository("app").session(async (session) => {
    for (let number = 0; number < GARBAGE; number++) await session.putBlob(new TextEncoder().encode(`${number}`));
  });

  clock.slow = 25;
  let turns = 0;
  let isOver = false;
  const turning = (async () => {
    for (; !isOver; turns++) await new Promise((resolve) => setImmediate(resolve));
  })();
  const { items } = await store.planCollect({ grace: 0 });
  isOver = true;
  await turning;
  expect(items).toHaveLength(GARBAGE);
  expect(turns).toBeGreaterThan(GARBAGE);
});
