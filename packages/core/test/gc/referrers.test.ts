import { expect, test } from "vitest";
import { all, contents, image, index, open } from "./support.ts";

test("a signature with a tag of its own keeps the image, and the plan says so; with `referrers` both go", async () => {
  const { store, app } = await open();
  const pushed = await image(app, ["image"], { tags: ["v1"] });
  const signature = await image(app, ["signature"], { subject: pushed, tags: ["signature"] });
  await image(app, ["note"], { subject: signature, tags: ["note"] });
  const plan = await app.planDelete("v1");
  expect(plan.items).toEqual([]);
  expect(plan.kept[0]).toMatchObject({ digest: pushed.digest, because: "live" });
  expect(plan.kept[0]?.heldBy[0]).toBe(`${signature.digest} in app`);
  expect(await app.delete("v1", { referrers: true })).toMatchObject({ removed: 6 });
  expect(await contents(store)).toEqual([]);
  expect(await all(app.tags())).toEqual([]);
});

test("an image that stays because of another tag keeps its signatures, whatever is wished", async () => {
  const { store, app } = await open();
  const pushed = await image(app, ["image"], { tags: ["v1", "v2"] });
  await image(app, ["signature"], { subject: pushed, tags: ["signature"] });
  const before = await contents(store);
  const plan = await app.planDelete("v1", { referrers: true });
  expect(plan.items).toEqual([]);
  await store.apply(plan);
  expect(await contents(store)).toEqual(before);
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["signature", "v2"]);
});

test("what the machinery of a tag makes a referrer dies with what it refers to, in both directions", async () => {
  const { store, app } = await open();
  const subject = await image(app, ["image"]);
  const list = await index(app, [], { tags: ["keeps", subject.digest.replace(":", "-")] });
  expect((await all(store.roots())).map(({ why, name }) => `${why} ${name}`)).toEqual(
    expect.arrayContaining(["tag keeps"]),
  );
  await app.tag(subject, "v1");
  await app.untag("v1");
  const plan = await app.planDelete(list);
  expect(plan.items.map(({ digest }) => digest)).toEqual(expect.arrayContaining([list.digest, subject.digest]));
  await store.apply(plan);
  expect(await contents(store)).toEqual([]);
});
