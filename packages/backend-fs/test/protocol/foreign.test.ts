import { type Policy, parseDigest } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes, text } from "../support/bytes.ts";
import { errorsOf, furnish, putImage, tagsOf } from "../support/content.ts";
import { memoryPlace, places } from "../support/file-systems.ts";
import type { Described } from "../support/foreign-layout.ts";
import { tagged } from "../support/foreign-tool.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

const WAITING: Policy = { grace: HOUR, window: 0, wait: HOUR };
const ALONE: Policy = { grace: HOUR, window: 0, wait: 0 };

/** A layout with an old layer and config that nothing names, which a foreign tool has just seen and means to reuse. */
async function reuse(make: (typeof places)[number][1], policy: Policy) {
  const world = await World.make(await make(), policy);
  const f = world.foreign();
  const [config, layer] = [await f.blob("{}", "application/vnd.oci.image.config.v1+json"), await f.blob("old layer")];
  world.clock.advance(2 * HOUR);
  expect(await f.has(layer.digest)).toBe(true);
  const c = await world.actor();
  const push = async (): Promise<Described> => {
    const manifest = await f.image(config, [layer]);
    await f.writeIndex([...(await f.readIndex()), tagged(manifest, "f")]);
    return manifest;
  };
  return { world, f, c, config, layer, push };
}

describe.each(places)("W11 a foreign tool that reuses what a collection takes, on %s", (_, make) => {
  test("its look and its write lie closer than the wait: nothing is lost", async () => {
    const { world, c, push } = await reuse(make, WAITING);
    const gate = c.steps.pauseBefore(({ name, to = "" }) => name === "rename" && to.includes("/trash/"));
    const collecting = c.store.collect();
    await gate.reached(collecting);
    await push();
    gate.open();
    expect(await collecting).toMatchObject({ condemned: 2, removed: 0 });
    // The next collection looks again at all that waits, due or not.
    await c.store.collect();
    expect(await errorsOf(c.store)).toEqual([]);
    world.clock.advance(3 * HOUR);
    await c.store.collect();
    await c.store.collect();
    expect(await errorsOf(c.store)).toEqual([]);
    expect(Object.keys(await tagsOf(c.repository))).toEqual(["f"]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("it comes back to what is due, at the last moment before the second look", async () => {
    const { world, c, push } = await reuse(make, WAITING);
    await c.store.collect();
    world.clock.advance(2 * HOUR);
    const gate = c.steps.pauseBefore(({ name, path }) => name === "open" && path.endsWith("/index.json"));
    const collecting = c.store.collect();
    await gate.reached(collecting);
    await push();
    gate.open();
    await collecting;
    expect(await errorsOf(c.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test("it comes back between two rounds of one purge: what is not erased yet is looked at again", async () => {
    const { world, f, c, config, layer, push } = await reuse(make, ALONE);
    await f.image(await f.blob("[]"), [config, layer]);
    world.clock.advance(2 * HOUR);
    // Of what is condemned the manifest goes first, and what it names in the next round.
    const gate = c.steps.pauseBefore(({ name, path }) => name === "unlink" && path.endsWith(".manifest"));
    const collecting = c.store.collect();
    await gate.reached(collecting);
    await push();
    gate.open();
    expect(await collecting).toMatchObject({ removed: 2 });
    expect(await errorsOf(c.store)).toEqual([]);
    expect(Object.keys(await tagsOf(c.repository))).toEqual(["f"]);
  });

  test("without a wait the promise is not given, and check says what is missing", async () => {
    const { c, layer, push } = await reuse(make, ALONE);
    expect(await c.store.collect()).toMatchObject({ removed: 2 });
    await push();
    const errors = await errorsOf(c.store);
    expect(errors).toHaveLength(2);
    expect(errors).toContainEqual(expect.stringContaining(`missing ${layer.digest}`));
    // Nor does it get worse: what is left of it stays, and so does its tag.
    await c.store.collect({ grace: 0 });
    expect(await errorsOf(c.store)).toEqual(errors);
  });

  test("W12 the collector dies with the trash full: its successor brings back what is named by now", async () => {
    const { world, c, push } = await reuse(make, WAITING);
    const gate = c.steps.pauseBefore(({ name, path }) => name === "syncDirectory" && path.includes("/trash/"));
    const collecting = c.store.collect();
    await gate.reached(collecting);
    // Twice: the record of the run comes first, then what is moved.
    const moved = c.steps.pauseBefore(({ name, path }) => name === "syncDirectory" && path.endsWith("/blobs/sha256"));
    gate.open();
    await moved.reached(collecting);
    c.die();
    await push();
    const c2 = await world.actor();
    expect(await errorsOf(c2.store)).toHaveLength(2);
    world.clock.advance(3 * HOUR);
    await c2.store.collect();
    expect(await errorsOf(c2.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });
});

describe.each(places)("W11 index.json written by two, on %s", (_, make) => {
  /** A foreign image, and the index.json that a foreign tool holds in its hands. */
  async function start() {
    const world = await World.make(await make());
    await furnish(world);
    const f = world.foreign();
    const image = await f.image(await f.blob("{}"), [await f.blob("layer of f")]);
    return { world, f, image, before: await f.readIndex(), p: await world.actor() };
  }

  test("an older index.json over our tag: that tag is lost, and nothing that is named", async () => {
    const { world, f, image, before, p } = await start();
    await p.repository.session((session) => putImage(session, "ours", { tag: "ours" }));
    await f.writeIndex([...before, tagged(image, "f")]);
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["f", "multi", "v1", "v2"]);
    world.clock.advance(2 * HOUR);
    await p.store.collect({ grace: 0 });
    expect(await errorsOf(p.store)).toEqual([]);
    expect(await leftOver(world)).toEqual([]);
  });

  test.each(["a push", "a tag on what had lost its own"])(
    "an older index.json over %s: what that names stays for the grace, counted from then",
    async (how) => {
      const { world, f, p } = await start();
      const { digest } = await p.repository.resolve("v1");
      await p.repository.untag("v1");
      const stale = await f.readIndex();
      world.clock.advance(0.9 * HOUR);
      const pushed =
        how === "a push"
          ? await p.repository.session((session) => putImage(session, "ours", { tag: "ours" }))
          : await p.repository.tag(digest, "ours");
      await f.writeIndex(stale);
      world.clock.advance(0.9 * HOUR);
      await p.store.collect();
      await p.repository.tag(pushed.digest, "ours");
      expect(await errorsOf(p.store)).toEqual([]);
    },
  );

  test("a foreign write between our look and our rename is not lost", async () => {
    const { f, image, before, p } = await start();
    const gate = p.steps.pauseBefore(({ name, path }) => name === "sync" && path.endsWith("/index.json.new"));
    const tagging = p.repository.tag("v1", "ours");
    await gate.reached(tagging);
    await f.writeIndex([...before, tagged(image, "f")]);
    gate.open();
    await tagging;
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["f", "multi", "ours", "v1", "v2"]);
    expect(await errorsOf(p.store)).toEqual([]);
  });

  test("a foreign tag that moves ours while we move it: the condition is asked of what is there at last", async () => {
    const { f, image, before, p } = await start();
    const v1 = before.find(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === "v1")!;
    const gate = p.steps.pauseBefore(({ name, path }) => name === "sync" && path.endsWith("/index.json.new"));
    const moving = p.repository.tag("v2", "v1", { expect: parseDigest(v1.digest) });
    await gate.reached(moving);
    await f.writeIndex([...before.filter((entry) => entry !== v1), tagged(image, "v1")]);
    gate.open();
    await expect(moving).rejects.toMatchObject({ code: "CONFLICT" });
    expect((await tagsOf(p.repository)).v1).toBe(image.digest);
  });

  test("what we read between two foreign writes is not written back", async () => {
    const { world, f, image, before, p } = await start();
    const original = bytes((await text(world.disk, world.paths.index))!);
    // The first two looks are those of `resolve`. The third is the change's, which has read index.json and goes on to the rest.
    let looks = 0;
    const gate = p.steps.pauseBefore(({ name, path }) => {
      return name === "lstat" && path.endsWith("/store.json") && ++looks === 3;
    });
    const tagging = p.repository.tag("v1", "ours");
    await gate.reached(tagging);
    await f.writeIndex([...before, tagged(image, "f")]);
    expect(Object.keys(await tagsOf(p.repository))).toContain("f");
    await f.overwrite(world.paths.index, original);
    gate.open();
    await tagging;
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["multi", "ours", "v1", "v2"]);
  });
});

describe("index.json that is being written over in place", () => {
  test.each([0, 1, 40])("torn after %d bytes: never taken for what it is not", async (length) => {
    const world = await World.make(await memoryPlace());
    await furnish(world);
    const p = await world.actor();
    const whole = bytes(JSON.stringify({ schemaVersion: 2, manifests: await world.foreign().readIndex() }));
    await world.foreign().overwrite(world.paths.index, whole.subarray(0, length));
    for (const work of [
      () => tagsOf(p.repository),
      () => p.repository.untag("v1"),
      () => p.store.collect({ grace: 0 }),
      () => errorsOf(p.store),
      () => p.repository.session((session) => putImage(session, "n", { tag: "n" })),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    }
    await world.foreign().overwrite(world.paths.index, whole);
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["multi", "v1", "v2"]);
    expect(await errorsOf(p.store)).toEqual([]);
  });

  test("torn only for a moment: nobody notices", async () => {
    const world = await World.make(await memoryPlace());
    await furnish(world);
    const p = await world.actor();
    const whole = bytes((await text(world.disk, world.paths.index))!);
    await world.foreign().overwrite(world.paths.index, whole.subarray(0, 30));
    let looks = 0;
    const gate = p.steps.pauseBefore(
      ({ name, path }) => name === "lstat" && path === world.paths.index && ++looks === 2,
    );
    const tagging = p.repository.tag("v1", "ours");
    await gate.reached(tagging);
    await world.foreign().overwrite(world.paths.index, whole);
    gate.open();
    await tagging;
    expect(Object.keys(await tagsOf(p.repository))).toEqual(["multi", "ours", "v1", "v2"]);
  });

  test("oci-layout is written over by whoever copies into a layout: opening it then waits for the rest", async () => {
    const world = await World.make(await memoryPlace());
    await furnish(world);
    const { ociLayout } = world.paths;
    const whole = bytes((await text(world.disk, ociLayout))!);
    await world.foreign().overwrite(ociLayout, new Uint8Array());
    const stranger = await world.stranger();
    let looks = 0;
    const gate = stranger.steps.pauseBefore(
      ({ name, path }) => name === "lstat" && path === ociLayout && ++looks === 2,
    );
    const opening = openLayout(world.directory, { fs: stranger.fs, env: world.clock });
    await gate.reached(opening);
    await world.foreign().overwrite(ociLayout, whole);
    gate.open();
    const store = await opening;
    expect(Object.keys(await tagsOf(store.repository()))).toEqual(["multi", "v1", "v2"]);

    await world.foreign().overwrite(ociLayout, new Uint8Array());
    await expect(openLayout(world.directory, { fs: world.disk, env: world.clock })).rejects.toMatchObject({
      code: "LAYOUT_INVALID",
    });
  });
});
