import { expect, test } from "vitest";
import { planLines, readPlan } from "../../src/index.ts";
import { all, contents, HOUR, image, index, MINUTE, open, utf8 } from "./support.ts";

const DAY = 24 * HOUR;

test("untagged content goes once it is old enough, with all that only it held; what has a tag stays", async () => {
  const { store, app, clock } = await open();
  const old = await image(app, ["old"]);
  await image(app, ["of the old"], { subject: old });
  await image(app, ["tagged"], { tags: ["v1"] });
  clock.advance(8 * DAY);
  await image(app, ["young"]);
  clock.advance(2 * HOUR);
  expect((await store.planCollect()).items).toEqual([]);
  const plan = await store.planCollect({ untagged: 7 * DAY });
  expect(plan.header.changes[0]?.steps).toContainEqual({
    do: "disown",
    manifest: old.digest,
    before: clock.now() - 7 * DAY,
  });
  expect(plan.items.find(({ digest }) => digest === old.digest)?.reason).toBe("untagged for too long");
  expect(await store.collect({ untagged: 7 * DAY })).toMatchObject({ removed: 4 });
  expect(await contents(store)).toEqual(expect.arrayContaining(["tagged", "young"]));
  expect(await app.find(old)).toBeUndefined();
});

test("the age may stand in the policy, and is never shorter than the grace", async () => {
  const { store, app, clock } = await open({ policy: { untagged: 0 } });
  const pushed = await image(app, ["layer"]);
  clock.advance(30 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 0 });
  expect((await all(store.roots())).map(({ why }) => why)).toEqual(["own"]);
  clock.advance(HOUR);
  expect(await store.collect()).toMatchObject({ removed: 2 });
  expect(await app.find(pushed)).toBeUndefined();
});

test("what something else holds only loses its mark", async () => {
  const { store, app, clock } = await open();
  const pushed = await image(app, ["layer"]);
  await app.pin(pushed, "hold");
  clock.advance(2 * DAY);
  expect(await store.collect({ untagged: DAY })).toMatchObject({ removed: 0 });
  expect((await all(store.roots())).map(({ why }) => why)).toEqual(["pin"]);
});

test("tags go by the rules of the policy, each with its reason, and what only they held goes with them", async () => {
  const { store, app, clock } = await open({ policy: { retention: [{ match: ["pr-*"], keep: { last: 1 } }] } });
  const first = await image(app, ["first"], { tags: ["pr-1"] });
  await image(app, ["signature"], { subject: first });
  clock.advance(HOUR);
  await image(app, ["second"], { tags: ["pr-2"] });
  await image(app, ["main"], { tags: ["main"] });
  clock.advance(2 * HOUR);
  const plan = await store.planCollect();
  const reason = "rule 1, pr-*: number 2, and the last 1 are kept";
  expect(plan.header.expired).toEqual([{ repository: "app", name: "pr-1", digest: first.digest, reason }]);
  expect(plan.decisions?.map(({ name, keep }) => [name, keep])).toEqual([
    ["main", true],
    ["pr-1", false],
    ["pr-2", true],
  ]);
  expect(plan.items.find(({ digest }) => digest === first.digest)?.reason).toBe(`was pr-1: ${reason}`);
  expect(await store.collect()).toMatchObject({ removed: 4 });
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["main", "pr-2"]);
});

test("content that is younger than the grace outlives its tag for that long", async () => {
  const { store, app, clock } = await open();
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  clock.advance(30 * MINUTE);
  const receipt = await store.collect({ retention: [{ keep: "none" }] });
  expect(receipt).toMatchObject({ removed: 0 });
  expect(await all(app.tags())).toEqual([]);
  expect(await app.find(pushed)).toBeDefined();
  clock.advance(31 * MINUTE);
  expect(await store.collect()).toMatchObject({ removed: 2 });
});

test("a pin keeps the content though the tag goes", async () => {
  const { store, app, clock } = await open();
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  await app.pin(pushed, "hold");
  clock.advance(2 * HOUR);
  expect(await store.collect({ retention: [{ keep: "none" }] })).toMatchObject({ removed: 0 });
  expect(await all(app.tags())).toEqual([]);
  expect(await app.find(pushed)).toBeDefined();
});

test("referrer machinery is judged by no rule", async () => {
  const { store, app, clock } = await open();
  const pushed = await image(app, ["layer"], { tags: ["v1"] });
  const signature = await image(app, ["signature"], { subject: pushed });
  const machinery = pushed.digest.replace(":", "-");
  await index(app, [signature], { tags: [machinery] });
  clock.advance(2 * HOUR);
  const plan = await store.planCollect({ retention: [{ match: ["v*"], keep: "all" }, { keep: "none" }] });
  expect(plan.decisions?.map(({ name }) => name)).toEqual(["v1"]);
  expect(plan.items).toEqual([]);
});

test("a saved plan carries it, and leaves alone what has changed since", async () => {
  const { store, app, clock } = await open();
  await image(app, ["one"], { tags: ["v1"] });
  await image(app, ["two"], { tags: ["v2"] });
  const own = await image(app, ["own"]);
  const touched = await image(app, ["touched"]);
  clock.advance(2 * HOUR);
  const plan = await store.planCollect({ untagged: HOUR, retention: [{ keep: "none" }] });
  const lines = [...planLines(plan)].join("");
  const saved = await readPlan(
    (async function* () {
      yield utf8(lines);
    })(),
  );
  expect(saved.header).toEqual(plan.header);
  await image(app, ["other"], { tags: ["v2"] });
  await app.openSession("holder").has([touched.digest]);
  await store.apply(saved);
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["v2"]);
  expect(await app.find(own)).toBeUndefined();
  expect(await app.find(touched)).toBeDefined();
  expect(await contents(store)).toEqual(expect.arrayContaining(["other", "touched"]));
});

test("what a plan's file says of its tags has to be whole", async () => {
  const { store, app, clock } = await open();
  await image(app, ["one"], { tags: ["v1"] });
  clock.advance(2 * HOUR);
  const [header = ""] = [...planLines(await store.planCollect({ retention: [{ keep: "none" }] }))];
  const bad: ((value: Record<string, unknown>) => void)[] = [
    (value) => Object.assign(value, { expired: [{ name: "v1" }] }),
    (value) => Object.assign(value, { expired: {} }),
    (value) => Object.assign(value, { changes: [{ repository: "app", steps: [{ do: "expire", name: "v1" }] }] }),
    (value) =>
      Object.assign(value, { changes: [{ repository: "app", steps: [{ do: "disown", manifest: "x", before: 1 }] }] }),
  ];
  for (const spoil of bad) {
    const value = JSON.parse(header);
    spoil(value);
    const lines = (async function* () {
      yield utf8(JSON.stringify(value));
    })();
    await expect(readPlan(lines)).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  }
});

test("all of it can be undone", async () => {
  const { store, app, clock } = await open({ policy: { window: DAY } });
  const own = await image(app, ["own"]);
  await image(app, ["tagged"], { tags: ["v1"] });
  clock.advance(2 * HOUR);
  const rootsBefore = await all(store.roots());
  const before = await contents(store);
  await store.collect({ untagged: HOUR, retention: [{ keep: "none" }] });
  expect(await all(store.roots())).toEqual([]);
  expect(await contents(store)).toEqual(before);
  await store.undo();
  expect(new Set(await all(store.roots()))).toEqual(new Set(rootsBefore));
  expect(await app.find(own)).toBeDefined();
  expect(await app.find("v1")).toBeDefined();
  await expect(store.undo()).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a wrong option is a TypeError before anything happens", async () => {
  const { store } = await open();
  await expect(store.collect({ untagged: -1 })).rejects.toThrow(TypeError);
  await expect(store.collect({ retention: [{ keep: {} }] })).rejects.toThrow(TypeError);
  await expect(store.planCollect({ retention: {} as never })).rejects.toThrow(TypeError);
});

test("a tag that is pushed again after its rule was asked stays, though it is on the same manifest", async () => {
  const { store, app, clock } = await open();
  await image(app, ["nightly"], { tags: ["nightly"] });
  clock.advance(40 * DAY);
  const retention = [{ keep: { younger: 30 * DAY } }];
  const plan = await store.planCollect({ retention });
  expect(plan.header.expired).toMatchObject([{ name: "nightly" }]);
  clock.advance(HOUR);
  await image(app, ["nightly"], { tags: ["nightly"] });
  expect((await store.planCollect({ retention })).header.expired).toBeUndefined();
  await store.apply(plan);
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["nightly"]);
});
