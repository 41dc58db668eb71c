import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryBlobs, openStore, packManifest, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { sqliteCatalog } from "../src/index.ts";

test("a change that takes long lets the rest of the process go on, and is not seen before it is whole", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-pause-"));
  let slow = 0;
  let now = systemEnvironment.now();
  // Each look at the clock takes as long as a command may.
  const env = {
    ...systemEnvironment,
    now: () => {
      now += slow;
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
  const app = store.repository("app");
  const tags = Array.from({ length: 50 }, (_, number) => `v${number}`);
  await app.session((session) =>
    session.putManifest(packManifest({ artifactType: "application/vnd.example" }), { tags }),
  );

  slow = 25;
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
  const directory = mkdtempSync(join(tmpdir(), "ocistore-pause-"));
  let slow = 0;
  let now = systemEnvironment.now();
  const env = {
    ...systemEnvironment,
    now: () => {
      now += slow;
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
  const GARBAGE = 50;
  await store.repository("app").session(async (session) => {
    for (let number = 0; number < GARBAGE; number++) await session.putBlob(new TextEncoder().encode(`${number}`));
  });

  slow = 25;
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
