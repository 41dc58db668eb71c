import { expect, test } from "vitest";
import { all, image, index, open } from "./support.ts";

// A removal frees what it un-roots at once, also a layer that an untagged image in its grace had shared. That image can
// still be read, and must not become live as it is.

async function withBrokenImage() {
  const opened = await open();
  const { app } = opened;
  const broken = await image(app, ["shared", "mine"], { tags: ["old"] });
  await app.untag("old");
  await image(app, ["shared"], { tags: ["new"] });
  const [shared] = (await app.manifest("new")).layers;
  await app.delete("new");
  expect(await app.find(broken)).toBeDefined();
  const missing = { code: "MISSING_CONTENT", data: { digests: [shared!.digest] } };
  return { ...opened, broken, missing };
}

test("it gets no tag", async () => {
  const { app, broken, missing } = await withBrokenImage();
  await expect(app.tag(broken, "back")).rejects.toMatchObject(missing);
  expect(await app.find("back")).toBeUndefined();
});

test("it gets no pin", async () => {
  const { app, broken, missing } = await withBrokenImage();
  await expect(app.pin(broken, "p")).rejects.toMatchObject(missing);
});

test("no index may name it", async () => {
  const { app, broken } = await withBrokenImage();
  await expect(index(app, [broken], { tags: ["index"] })).rejects.toMatchObject({
    code: "MISSING_CONTENT",
    data: { digests: [broken.digest] },
  });
});

test("no referrer that would keep it comes, or gets a tag", async () => {
  const { app, broken, missing, store } = await withBrokenImage();
  await expect(image(app, ["signature"], { subject: broken, tags: ["signed"] })).rejects.toMatchObject(missing);
  expect(await app.find("signed")).toBeUndefined();
  await store.collect({ grace: 0 });
  await image(app, ["signature"], { subject: broken, tags: ["signed"] });
  expect(await all(store.check())).toEqual([]);
});

test("a referrer that was there before it broke does not bring it back", async () => {
  const { app, store } = await open();
  const broken = await image(app, ["shared", "mine"], { tags: ["old"] });
  const signature = await image(app, ["signature"], { subject: broken });
  await app.untag("old");
  await image(app, ["shared"], { tags: ["new"] });
  await app.delete("new");
  await expect(app.tag(signature, "signed")).rejects.toMatchObject({ code: "MISSING_CONTENT" });
  expect(await store.collect({ grace: 0 })).toMatchObject({ kept: [] });
});

test("what is live though it is broken may have referrers all the same", async () => {
  const { app } = await open();
  const absent = await image((await open()).app, ["absent"]);
  const sparse = await index(app, [absent], { tags: ["sparse"], sparse: true });
  await image(app, ["signature"], { subject: sparse, tags: ["signed"] });
  expect(await app.find("signed")).toBeDefined();
});

test("an index that names it already gets no tag either", async () => {
  const { app, store } = await open();
  const child = await image(app, ["shared", "mine"]);
  const top = await index(app, [child], { tags: ["old"] });
  await app.untag("old");
  await image(app, ["shared"], { tags: ["new"] });
  await app.delete("new");
  await expect(app.tag(top, "back")).rejects.toMatchObject({ code: "MISSING_CONTENT" });
  expect(await store.collect({ grace: 0 })).toMatchObject({ kept: [] });
});

test("who asks for it is not told that it is there", async () => {
  const { app, broken } = await withBrokenImage();
  const session = app.openSession("s");
  expect([...(await session.has([broken.digest]))]).toEqual([]);
});

test("pushed again with what is missing it is whole", async () => {
  const { app, broken } = await withBrokenImage();
  expect(await image(app, ["shared", "mine"], { tags: ["back"] })).toEqual(broken);
  expect((await app.manifest("back")).layers).toHaveLength(2);
});

test("a plan that would keep it as a root of its own is refused, and nothing is done", async () => {
  const { app, store } = await open();
  const child = await image(app, ["shared", "mine"]);
  const top = await index(app, [child], { tags: ["old"] });
  const plan = await app.planDelete(top, { children: "keep" });
  await app.untag("old");
  await image(app, ["shared"], { tags: ["new"] });
  await app.delete("new");
  await expect(store.apply(plan)).rejects.toMatchObject({ code: "MISSING_CONTENT" });
  expect(await app.find(top)).toBeDefined();
});
