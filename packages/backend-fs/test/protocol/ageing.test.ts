import { expect, test } from "vitest";
import { FOREIGN_POLICY, OWN_POLICY } from "../../src/index.ts";
import { bytes, text } from "../support/bytes.ts";
import { errorsOf, furnish, tagsOf } from "../support/content.ts";
import { memoryPlace } from "../support/file-systems.ts";
import { tagged } from "../support/foreign-tool.ts";
import { leftOver } from "../support/left-over.ts";
import { HOUR, World } from "../support/world.ts";

const DAY = 24 * HOUR;
const INDEX = "application/vnd.oci.image.index.v1+json";

/** An index that another tool has listed with its child, without a tag, and an image with one. */
async function listed() {
  const world = await World.make(await memoryPlace());
  const f = world.foreign();
  const config = await f.blob("{}", "application/vnd.oci.image.config.v1+json");
  const child = await f.image(config, [await f.blob("layer of the child")]);
  const json = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [child] });
  const top = { ...(await f.blob(json, INDEX)), platform: { os: "plan9" } };
  const image = await f.image(config, [await f.blob("layer of the image")]);
  const entries = [child, top, tagged(image, "v1")];
  await f.writeIndex(entries as never);
  world.clock.advance(2 * DAY);
  return { world, f, child, top, image, entries };
}

test("an untagged entry goes by its age, with the entries that only it explained, and its bytes with it", async () => {
  const { world, f, image } = await listed();
  const { store, repository } = await world.actor();
  expect(await store.collect({ untagged: 3 * DAY })).toMatchObject({ removed: 0 });
  expect(await f.readIndex()).toHaveLength(3);
  expect(await store.collect({ untagged: DAY })).toMatchObject({ removed: 3 });
  expect((await f.readIndex()).map(({ digest }) => digest)).toEqual([image.digest]);
  expect(Object.keys(await tagsOf(repository))).toEqual(["v1"]);
  expect(await errorsOf(store)).toEqual([]);
  expect(await leftOver(world)).toEqual([]);
});

test("undone, the entries are as they were, with the fields that nobody here understands", async () => {
  const { world, f, entries } = await listed();
  const { store } = await world.actor();
  await store.setPolicy({ ...OWN_POLICY, window: DAY });
  await store.collect({ untagged: DAY, retention: [{ keep: "none" }] });
  expect(await f.readIndex()).toEqual([]);
  await store.undo();
  const byDigest = (list: readonly { readonly digest: string }[]) =>
    [...list].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  expect(byDigest(await f.readIndex())).toEqual(byDigest(entries));
  expect(await errorsOf(store)).toEqual([]);
  // Roots as before, too: the child is explained by the index.
  const why: string[] = [];
  for await (const root of store.roots()) why.push(root.why);
  expect(why.sort()).toEqual(["own", "tag"]);
});

test("a tag expires and takes along what only it held; the grace is that of the bytes", async () => {
  const world = await World.make(await memoryPlace());
  await furnish(world);
  const { store, repository } = await world.actor();
  world.clock.advance(DAY);
  await store.collect();
  const receipt = await store.collect({ retention: [{ match: ["multi"], keep: "none" }] });
  // The index, its children and their layers, the signature and its layer.
  expect(receipt).toMatchObject({ removed: 7 });
  expect(Object.keys(await tagsOf(repository)).sort()).toEqual(["v1", "v2"]);
  expect(await leftOver(world)).toEqual([]);
});

test("young content of a tag that has expired waits, whole", async () => {
  const world = await World.make(await memoryPlace());
  await furnish(world);
  const { store, repository } = await world.actor();
  const all = await tagsOf(repository);
  await store.collect();
  const session = repository.openSession("pusher");
  await session.has([all.multi!]);
  await session.end();
  expect(await store.collect({ retention: [{ match: ["multi"], keep: "none" }] })).toMatchObject({ removed: 0 });
  const found = await repository.find(all.multi!);
  expect(found?.digest).toBe(all.multi);
  await repository.tag(all.multi!, "multi");
  expect(await errorsOf(store)).toEqual([]);
});

test("a layout of another tool keeps its untagged content until somebody has set a policy", async () => {
  const { world, f } = await listed();
  await world.disk.unlink(world.paths.store);
  const { store } = await world.actor();
  expect(await store.policy()).toEqual(FOREIGN_POLICY);
  await expect(store.collect({ grace: 0, untagged: DAY })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  expect(await f.readIndex()).toHaveLength(3);
  // What there is nothing of need not be asked for.
  expect(await store.collect({ grace: 0, untagged: 3 * DAY })).toMatchObject({ removed: 0 });
  await store.setPolicy(await store.policy());
  expect((await store.policy()).foreign).toBeUndefined();
  expect(await store.collect({ grace: 0, untagged: DAY })).toMatchObject({ removed: 3 });
});

test("the settings keep what they are given, and refuse what they do not understand", async () => {
  const world = await World.make(await memoryPlace());
  const { store } = await world.actor();
  const policy = {
    ...OWN_POLICY,
    untagged: DAY,
    retention: [{ match: ["v*"], keep: { versions: { newest: 2, of: "minor" } } }, { keep: "none" }],
  } as const;
  await store.setPolicy(policy);
  expect(await (await world.actor()).store.policy()).toEqual(policy);
  const json = JSON.parse((await text(world.disk, world.paths.store))!);
  for (const wrong of [
    { untagged: -1 },
    { untagged: "1d" },
    { retention: {} },
    { retention: [{ keep: { lsat: 1 } }] },
  ]) {
    await world.foreign().overwrite(world.paths.store, bytes(JSON.stringify({ ...json, ...wrong })));
    await expect(store.policy()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
    await expect(store.collect()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  }
});
