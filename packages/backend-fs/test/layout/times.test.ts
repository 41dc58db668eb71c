import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { packManifest, type Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { initLayout, openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

const NO_TIMES = [Number.POSITIVE_INFINITY, Number.NaN, 1.5, -1];

const TAKERS: [string, (store: Store, time: number) => Promise<unknown>][] = [
  ["the end of a pin", (store, until) => store.repository().pin("v1", "p", { until })],
  ["the grace of a policy", (store, grace) => store.setPolicy({ grace, window: 0, wait: 0 })],
  ["the window of a policy", (store, window) => store.setPolicy({ grace: 0, window, wait: 0 })],
  ["the wait of a policy", (store, wait) => store.setPolicy({ grace: 0, window: 0, wait })],
  ["the window of a deletion", (store, window) => store.repository().delete("v1", { window })],
  ["the grace of a collection", (store, grace) => store.collect({ grace })],
  ["the grace of a plan", (store, grace) => store.planCollect({ grace })],
];

const cases = TAKERS.flatMap(([what, take]) => NO_TIMES.map((time) => [what, time, take] as const));

test.each(cases)("%s: %d is no time; nothing is written, and all can be read still", async (_, time, take) => {
  const directory = join(await temporaryDirectory(), "layout");
  const store = await openLayout(directory, { create: true });
  await store.repository().session(async (session) => {
    const layer = await session.putBlob(bytes("a"));
    await session.putManifest(packManifest({ artifactType: "application/vnd.x", layers: [layer] }), { tags: ["v1"] });
  });
  const before = await snapshot(directory);
  await expect(take(store, time)).rejects.toThrow(TypeError);
  expect(await snapshot(directory)).toEqual(before);
  await store.close();
  const again = await openLayout(directory);
  expect((await again.repository().manifest("v1")).layers).toHaveLength(1);
  expect(await again.policy()).toMatchObject({ window: 0, wait: 0 });
  await again.close();
});

test.each(NO_TIMES)("a layout is not made with a policy of %d", async (time) => {
  for (const policy of [
    { grace: time, window: 0, wait: 0 },
    { grace: 0, window: time, wait: 0 },
    { grace: 0, window: 0, wait: time },
  ]) {
    const parent = await temporaryDirectory();
    await expect(initLayout(join(parent, "layout"), { policy })).rejects.toThrow(TypeError);
    await expect(openLayout(join(parent, "layout"), { create: true, policy })).rejects.toThrow(TypeError);
    expect(await readdir(parent)).toEqual([]);
  }
});
