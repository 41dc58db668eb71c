import { expect, test } from "vitest";
import { all, contents, HOUR, image, index, open } from "./support.ts";

test("kept children become roots of their own, and only the index goes", async () => {
  const { store, app, clock } = await open();
  const amd = await image(app, ["amd64"]);
  const arm = await image(app, ["arm64"]);
  const top = await index(app, [amd, arm], { tags: ["latest"] });
  const plan = await app.planDelete("latest", { children: "keep" });
  expect(plan.items.map(({ digest }) => digest)).toEqual([top.digest]);
  await store.apply(plan);
  const own = (await all(store.roots())).filter(({ why }) => why === "own").map(({ digest }) => digest);
  expect(own.sort()).toEqual([amd.digest, arm.digest].sort());
  clock.advance(10 * HOUR);
  expect(await store.collect()).toMatchObject({ removed: 0 });
  expect(await contents(store)).toEqual(expect.arrayContaining(["amd64", "arm64"]));
});

test("what a kept child nests and what refers to it stays too; what only the index had does not", async () => {
  const { store, app } = await open();
  const leaf = await image(app, ["leaf"]);
  const nested = await index(app, [leaf]);
  await image(app, ["signature of the leaf"], { subject: leaf });
  const top = await index(app, [nested], { tags: ["latest"] });
  await image(app, ["signature of the index"], { subject: top });
  await app.delete("latest", { children: "keep" });
  const left = await contents(store);
  expect(left).toEqual(expect.arrayContaining(["leaf", "signature of the leaf"]));
  expect(left).not.toContain("signature of the index");
  expect((await all(store.roots())).map(({ why, digest }) => [why, digest])).toEqual([["own", nested.digest]]);
});

test("a child that two deleted indexes share is kept once", async () => {
  const { app } = await open();
  const child = await image(app, ["child"]);
  const one = await index(app, [child], { tags: ["one"] });
  const other = await index(app, [child, one], { tags: ["other"] });
  const plan = await app.planDelete(["one", other], { children: "keep" });
  const steps = plan.header.changes.flatMap((each) => each.steps);
  expect(steps.filter((step) => step.do === "keep")).toEqual([{ do: "keep", manifest: child.digest }]);
});

test("a child that is a target itself is not kept", async () => {
  const { store, app } = await open();
  const child = await image(app, ["child"]);
  const top = await index(app, [child], { tags: ["latest"] });
  await app.delete([top, child], { children: "keep" });
  expect(await contents(store)).toEqual([]);
});

test("without the wish they go, unless a tag of their own keeps them", async () => {
  const { store, app } = await open();
  const [amd, arm] = [await image(app, ["amd64"], { tags: ["amd"] }), await image(app, ["arm64"])];
  await index(app, [amd, arm], { tags: ["latest"] });
  const plan = await app.planDelete("latest");
  expect(plan.kept).toContainEqual({
    digest: amd.digest,
    size: amd.size,
    because: "live",
    heldBy: [`${amd.digest} in app`, "tag amd in app"],
  });
  await store.apply(plan);
  expect(await contents(store)).toContain("amd64");
  expect(await contents(store)).not.toContain("arm64");
});
