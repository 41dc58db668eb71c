import { expect, test } from "vitest";
import { all, contents, image, index, open } from "./support.ts";

test("an image in two repositories goes from one, and its bytes stay for the other", async () => {
  const { store, app } = await open();
  const other = store.repository("other");
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  await image(other, ["layer"], { tags: ["v1"] });
  const before = await contents(store);
  const plan = await app.planDelete("v1");
  expect(plan.items).toEqual([]);
  expect(plan.kept.map(({ because }) => because)).toContain("live");
  await store.apply(plan);
  expect(await app.find(pushed)).toBeUndefined();
  await expect(app.bytes(pushed)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await contents(store)).toEqual(before);
  expect((await other.manifest("v1")).layers).toHaveLength(1);
  await other.delete("v1");
  expect(await contents(store)).toEqual([]);
});

test("a shared layer goes with the last image that names it", async () => {
  const { store, app } = await open();
  const other = store.repository("other");
  await image(app, ["shared", "mine"], { tags: ["v1"] });
  await image(other, ["shared", "theirs"], { tags: ["v1"] });
  await app.delete("v1");
  expect(await contents(store)).toEqual(expect.arrayContaining(["shared", "theirs"]));
  expect(await contents(store)).not.toContain("mine");
  await other.delete("v1");
  expect(await contents(store)).toEqual([]);
});

test("a manifest in another repository is no subject's keeper here", async () => {
  const { store, app } = await open();
  const other = store.repository("other");
  const pushed = await image(app, ["image"], { tags: ["v1"] });
  const signature = await image(other, ["signature"], { subject: pushed, tags: ["s"] });
  await app.delete("v1");
  expect(await app.find(pushed)).toBeUndefined();
  // Its bytes stay while a live manifest anywhere has them as its subject; what it named does not.
  expect(await contents(store)).not.toContain("image");
  expect(await other.find(signature)).toBeDefined();
});

test("the same bytes pushed to two repositories lie in the store once", async () => {
  const { store, app } = await open({ generations: true });
  await image(app, ["layer"], { tags: ["v1"] });
  await image(store.repository("other"), ["layer"], { tags: ["v1"] });
  const digests = (await all(store.parts.blobs.list())).map(({ digest }) => digest);
  expect(new Set(digests).size).toBe(digests.length);
});

test("two sessions that send the same blob at once leave one copy, and both can go on", async () => {
  const { store, app } = await open({ generations: true });
  const sessions = [app.openSession("one"), app.openSession("two")];
  const slow = async function* () {
    yield new Uint8Array(10);
    await new Promise((resolve) => setImmediate(resolve));
    yield new Uint8Array(10);
  };
  const [one, two] = await Promise.all(sessions.map((session) => session.putBlob(slow())));
  expect(one).toEqual(two);
  expect(await all(store.parts.blobs.list())).toHaveLength(1);
  await sessions[0]!.end();
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  expect(await app.bytes(one!)).toHaveLength(20);
});

test("a sparse index in one repository does not make the same index of another one sparse", async () => {
  const { store, app } = await open();
  const other = store.repository("other");
  const child = await image(app, ["child"]);
  await index(app, [child], { tags: ["whole"] });
  const top = await index(other, [child], { tags: ["sparse"], sparse: true });
  await index(app, [child], { tags: ["whole"] });
  await other.tag("sparse", "again");
  expect(await other.successors(top)).toMatchObject([{ to: child.digest, optional: true }]);
  expect((await app.successors(top))[0]).not.toHaveProperty("optional");
});

test("machinery of what goes from another repository too goes with it, and is no root afterwards", async () => {
  const { store, app } = await open();
  const other = store.repository("other");
  const pushed = await image(app, ["image"], { tags: ["v1"] });
  await image(app, ["signature"], { subject: pushed });
  await image(other, ["image"], { tags: ["v1"] });
  const signature = await image(other, ["signature"], { subject: pushed });
  await index(other, [signature], { tags: [pushed.digest.replace(":", "-")] });
  await other.untag("v1");
  await app.delete("v1");
  expect(await all(store.roots())).toEqual([]);
  expect(await all(other.tags())).toEqual([]);
  await store.collect({ grace: 0 });
  expect(await contents(store)).toEqual([]);
});
