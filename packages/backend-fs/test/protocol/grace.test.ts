import { type Descriptor, descriptorOf, digestOf, packManifest } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { bytes } from "../support/bytes.ts";
import { errorsOf } from "../support/content.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

const LAYER = bytes("a layer that nobody names yet");
const LAYER_DIGEST = digestOf(LAYER);
const layer: Descriptor = descriptorOf(LAYER, "application/vnd.example.layer");
const image = packManifest({ artifactType: "application/vnd.example", layers: [layer] });

/** A store in which the layer is old garbage. */
async function worldWithGarbage(make: (typeof places)[number][1]): Promise<World> {
  const world = await World.make(await make());
  const { store, repository } = await world.actor();
  await repository.session((session) => session.putBlob(LAYER));
  await store.close();
  world.clock.advance(2 * HOUR);
  return world;
}

const inTrash = ({ path, to = path }: { readonly path: string; readonly to?: string }) => to.includes("/trash/");

describe.each(places)("W9 what a session was told stays, on %s", (_, make) => {
  test("a collection with grace 0 between the answer and the push", async () => {
    const world = await worldWithGarbage(make);
    const [p, c] = [await world.actor(), await world.actor()];
    const session = p.repository.openSession("p");
    expect(await session.has([LAYER_DIGEST])).toEqual(new Set([LAYER_DIGEST]));
    await c.store.collect({ grace: 0 });
    await session.putManifest(image, { tags: ["n"] });
    await session.end();
    await c.store.collect({ grace: 0 });
    expect(await errorsOf(c.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("a session that lasts longer than the grace", async () => {
    const world = await worldWithGarbage(make);
    const [p, c] = [await world.actor(), await world.actor()];
    const session = p.repository.openSession("p");
    await session.has([LAYER_DIGEST]);
    world.clock.advance(0.75 * HOUR);
    await c.store.collect({ grace: 0.5 * HOUR });
    await session.putManifest(image, { tags: ["n"] });
    expect(await errorsOf(c.store)).toEqual([]);
    await session.end();
  });

  test("R1, R3: the answer comes between the mark and the sweep", async () => {
    const world = await worldWithGarbage(make);
    const [p, c] = [await world.actor(), await world.actor()];
    // The lease is the first thing under the lock, the sweep the second.
    const gate = c.steps.pauseBefore(({ name, path }) => name === "readdir" && path.endsWith("/blobs/sha256"));
    const collecting = c.store.collect({ grace: 0 });
    await gate.reached(collecting);
    const afterMark = c.steps.pauseBefore(({ name, path }) => name === "link" && path.includes("/lock/"));
    gate.open();
    await afterMark.reached(collecting);
    const session = p.repository.openSession("p");
    expect(await session.has([LAYER_DIGEST])).toEqual(new Set([LAYER_DIGEST]));
    afterMark.open();
    expect((await collecting).removed).toBe(0);
    await session.putManifest(image, { tags: ["n"] });
    await session.end();
    expect(await errorsOf(p.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("the answer comes between the sweep and the erasure: brought back", async () => {
    const world = await worldWithGarbage(make);
    const [p, c] = [await world.actor(), await world.actor()];
    const swept = c.steps.pauseBefore(({ name, to = "" }) => name === "rename" && to.includes("/trash/"));
    const collecting = c.store.collect({ grace: 0 });
    await swept.reached(collecting);
    // The collector has the lock. It gives it back before it erases, and whoever waits may be faster.
    const erasing = c.steps.pauseBefore(({ name, path }) => name === "link" && path.includes("/lock/"));
    swept.open();
    await erasing.reached(collecting);
    const session = p.repository.openSession("p");
    expect(await session.has([LAYER_DIGEST])).toEqual(new Set([LAYER_DIGEST]));
    erasing.open();
    expect((await collecting).removed).toBe(0);
    await session.putManifest(image, { tags: ["n"] });
    await session.end();
    expect(await errorsOf(p.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("the question comes while it is erased: the answer waits, is no, and an upload does", async () => {
    const world = await worldWithGarbage(make);
    const [p, c] = [await world.actor(), await world.actor()];
    const gate = c.steps.pauseBefore((step) => step.name === "unlink" && inTrash(step) && step.path.endsWith(".blob"));
    const collecting = c.store.collect({ grace: 0 });
    await gate.reached(collecting);
    const session = p.repository.openSession("p");
    let answered = false;
    const asking = session.has([LAYER_DIGEST]).finally(() => {
      answered = true;
    });
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    gate.open();
    expect(await asking).toEqual(new Set());
    expect((await collecting).removed).toBe(1);
    await session.putBlob(LAYER);
    await session.putManifest(image, { tags: ["n"] });
    await session.end();
    expect(await errorsOf(p.store)).toEqual([]);
  });
});

test("R28: a time in the future counts as now: it is too young for any grace, and no reason to stay with none", async () => {
  const world = await worldWithGarbage(memoryPlace);
  const c = await world.actor();
  await world.disk.touch(world.paths.blob(LAYER_DIGEST), world.clock.now() + 24 * HOUR);
  expect((await c.store.collect({ grace: 0.5 * HOUR })).removed).toBe(0);
  expect((await c.store.collect({ grace: 0 })).removed).toBe(1);
});

test("a claim that nobody renews ends, and holds nothing back for ever", async () => {
  const world = await worldWithGarbage(memoryPlace);
  const [p, c] = [await world.actor(), await world.actor()];
  await p.repository.openSession("p").has([LAYER_DIGEST]);
  p.die();
  world.clock.advance(0.9 * HOUR);
  expect((await c.store.collect({ grace: 0 })).removed).toBe(0);
  world.clock.advance(0.2 * HOUR);
  expect((await c.store.collect({ grace: 0 })).removed).toBe(1);
  expect(await leftOver(world)).toEqual([]);
});

test("the grace of what a session held, or has brought back, starts when the session ends", async () => {
  const world = await World.make(await memoryPlace(), { grace: HOUR, window: HOUR, wait: 0 });
  for (const name of ["stays in place", "comes back from the trash"]) {
    const { digest } = await world.foreign().blob(name);
    world.clock.advance(2 * HOUR);
    const [p, c] = [await world.actor(), await world.actor()];
    if (name.startsWith("comes")) expect((await c.store.collect()).condemned).toBeGreaterThan(0);
    const session = p.repository.openSession("s");
    expect(await session.has([digest])).toEqual(new Set([digest]));
    world.clock.advance(0.8 * HOUR);
    await session.end();
    world.clock.advance(0.8 * HOUR);
    expect(await c.store.collect()).toMatchObject({ condemned: 0 });
    expect(await world.foreign().has(digest)).toBe(true);
    world.clock.advance(0.3 * HOUR);
    expect(await c.store.collect()).toMatchObject({ condemned: 1 });
    expect(await world.foreign().has(digest)).toBe(false);
    world.clock.advance(0.1 * HOUR);
  }
});
