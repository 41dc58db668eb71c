import { expect, test } from "vitest";
import { all, contents, HOUR, image, index, MINUTE, open } from "./support.ts";

test("what lost its tag stays whole until the grace has passed: layers, children, referrers", async () => {
  const { store, app, clock } = await open();
  const child = await image(app, ["layer"]);
  const top = await index(app, [child], { tags: ["latest"] });
  await image(app, ["signature"], { subject: top });
  await image(app, ["signature of the child"], { subject: child });
  clock.advance(10 * HOUR);
  await app.untag("latest");
  clock.advance(59 * MINUTE);
  const held = await store.collect();
  expect(held).toMatchObject({ removed: 0, uploads: 0 });
  expect(new Set(held.kept.map(({ because }) => because))).toEqual(new Set(["grace"]));
  expect(held.kept).toHaveLength(7);
  expect(await contents(store)).toHaveLength(7);
  for (const digest of [top.digest, child.digest]) expect(await app.find(digest)).toBeDefined();
  clock.advance(2 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 7, kept: [] });
  expect(await contents(store)).toEqual([]);
});

test.each(["untag", "move", "unpin", "end of the session"])("counted from the loss: %s", async (loss) => {
  const { store, app, clock } = await open();
  const session = app.openSession("holder");
  const pushed = await image(app, ["layer"], { tags: ["t"] });
  if (loss === "unpin") await app.pin(pushed, "p");
  if (loss === "end of the session") await session.has([pushed.digest]);
  if (loss !== "untag" && loss !== "move") await app.untag("t");
  clock.advance(loss === "end of the session" ? 50 * MINUTE : 10 * HOUR);
  if (loss === "untag") await app.untag("t");
  if (loss === "move") await image(app, ["another"], { tags: ["t"] });
  if (loss === "unpin") await app.unpin("p");
  if (loss === "end of the session") await session.end();
  clock.advance(50 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 0 });
  expect(await app.find(pushed)).toBeDefined();
  clock.advance(20 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 2 });
});

test("a layer that is older than the grace waits for the manifest that names it", async () => {
  const { store, app, clock } = await open();
  await image(app, ["shared"], { tags: ["old"] });
  clock.advance(10 * HOUR);
  await image(app, ["shared", "new"], { tags: ["new"] });
  await app.untag("old");
  clock.advance(10 * HOUR);
  await app.untag("new");
  clock.advance(30 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 1 });
  expect(await contents(store)).toEqual(expect.arrayContaining(["new", "shared"]));
});

test("in its own repository, though another keeps the same bytes: the image, and its signature", async () => {
  const { store, app, clock } = await open();
  const other = store.repository("other");
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  await image(other, ["layer"], { tags: ["v1"] });
  const signature = await image(app, ["signature"], { subject: pushed });
  clock.advance(10 * HOUR);
  await app.untag("v1");
  clock.advance(10 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 0 });
  expect(await app.find(pushed)).toBeDefined();
  expect(await app.find(signature)).toBeDefined();
  clock.advance(HOUR);
  await store.collect();
  expect(await app.find(pushed)).toBeUndefined();
  expect(await other.find(pushed)).toBeDefined();
  expect(await contents(store)).not.toContain("signature");
});

test("a plan is no older than it says: what was lost again after it was made has its own grace", async () => {
  const { store, app, clock } = await open();
  const pushed = await image(app, ["layer"], { tags: ["t"] });
  await app.untag("t");
  clock.advance(2 * HOUR);
  const plan = await store.planCollect();
  expect(plan.items).toHaveLength(2);
  await app.tag(pushed, "again");
  clock.advance(MINUTE);
  await app.untag("again");
  expect(await store.apply(plan)).toMatchObject({ removed: 0, skipped: 2 });
  expect(await app.find(pushed)).toBeDefined();
});

test("uploads that nobody has touched for the grace are given up, younger ones not", async () => {
  const { store, clock } = await open();
  await store.parts.blobs.upload("old", { create: true });
  clock.advance(2 * HOUR);
  await store.parts.blobs.upload("young", { create: true });
  expect(await store.collect()).toMatchObject({ uploads: 1 });
  expect((await all(store.parts.blobs.uploads())).map(({ id }) => id)).toEqual(["young"]);
});

test("a removal does not wait, whatever the age", async () => {
  const { store, app } = await open();
  await image(app, ["layer"], { tags: ["t"] });
  expect(await app.delete("t")).toMatchObject({ removed: 2 });
  expect(await contents(store)).toEqual([]);
});

test("what an earlier removal has condemned is in no later plan, and goes when its window has passed", async () => {
  const { store, app, clock } = await open({ policy: { window: 100 * HOUR } });
  await image(app, ["layer"], { tags: ["t"] });
  expect(await app.delete("t")).toMatchObject({ removed: 0, condemned: 2 });
  // Old enough that nobody could take it for bytes that are just arriving.
  clock.advance(50 * HOUR);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0, skipped: 0 });
  clock.advance(60 * HOUR);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2 });
  expect(await contents(store)).toEqual([]);
});

test("a plan is in the same order, whatever order the store lists its bytes in", async () => {
  const { store, app, blobs } = await open();
  for (const layers of [["a", "b"], ["c", "d"], ["e"]]) await image(app, layers, { tags: ["t"] });
  await app.untag("t");
  const digestsOf = async () => (await store.planCollect({ grace: 0 })).items.map(({ digest }) => digest);
  const once = await digestsOf();
  expect(once).toHaveLength(8);
  const list = blobs.list.bind(blobs);
  blobs.list = async function* (o) {
    const all = [];
    for await (const each of list(o)) all.unshift(each);
    yield* all;
  };
  expect(await digestsOf()).toEqual(once);
});
