import { expect, test } from "vitest";
import type { Outcome } from "../../src/index.ts";
import { all, contents, image, index, open } from "./support.ts";

test("an item that got live again since the plan is skipped, and the rest goes", async () => {
  const { store, app } = await open();
  await image(app, ["one", "shared"], { tags: ["one"] });
  await app.untag("one");
  const plan = await store.planCollect({ grace: 0 });
  await image(app, ["two", "shared"], { tags: ["two"] });
  const outcomes: Outcome[] = [];
  const receipt = await store.apply(plan, { onOutcome: (outcome) => outcomes.push(outcome) });
  expect(receipt).toMatchObject({ removed: 2, skipped: 1 });
  expect(outcomes.filter(({ outcome }) => outcome === "skipped").map(({ size }) => size)).toEqual(["shared".length]);
  expect(await contents(store)).toContain("shared");
  expect(await contents(store)).not.toContain("one");
});

test("a manifest that was tagged again since the plan of a collection stays whole", async () => {
  const { store, app } = await open();
  const pushed = await image(app, ["one"], { tags: ["one"] });
  await app.untag("one");
  const plan = await store.planCollect({ grace: 0 });
  await app.tag(pushed, "again");
  expect(await store.apply(plan)).toMatchObject({ removed: 0, skipped: 2 });
  expect((await app.manifest("again")).layers).toHaveLength(1);
  expect(await contents(store)).toContain("one");
});

test("a child that got a tag since the plan of a deletion stays, and the index goes", async () => {
  const { store, app } = await open();
  const child = await image(app, ["child"]);
  const top = await index(app, [child], { tags: ["latest"] });
  const plan = await app.planDelete("latest");
  await app.tag(child, "child");
  expect(await store.apply(plan)).toMatchObject({ removed: 1, skipped: 2 });
  expect(await app.find(top)).toBeUndefined();
  expect(await app.find("child")).toBeDefined();
});

test("a tag that moved since the plan refuses it, and nothing is done", async () => {
  const { store, app } = await open();
  await image(app, ["one"], { tags: ["t"] });
  const plan = await app.planDelete("t");
  const two = await image(app, ["two"], { tags: ["t"] });
  const before = await contents(store);
  await expect(store.apply(plan)).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await contents(store)).toEqual(before);
  expect(await app.find("t")).toMatchObject({ digest: two.digest });
});

test.each(["tag", "digest"])("a tag that came since a plan by %s holds the manifest, and is not taken", async (by) => {
  const { store, app } = await open();
  const pushed = await image(app, ["one"], { tags: ["old"] });
  const plan = await app.planDelete(by === "tag" ? "old" : pushed);
  await app.tag(pushed, "new");
  await expect(store.apply(plan)).rejects.toMatchObject({ code: "IN_USE", data: { holders: ["tag new"] } });
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["new", "old"]);
});

test("by digest all tags go, and a tag of it that went elsewhere in the meantime stays there", async () => {
  const { store, app } = await open();
  const one = await image(app, ["one"], { tags: ["a", "b"] });
  const two = await image(app, ["two"], { tags: ["c"] });
  const plan = await app.planDelete(one);
  await app.tag(two, "b");
  await store.apply(plan);
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["b", "c"]);
});

test("the plan of a deletion cannot be applied twice; that of a collection finds nothing the second time", async () => {
  const { store, app } = await open();
  await image(app, ["one"], { tags: ["one"] });
  const deletion = await app.planDelete("one");
  expect(await store.apply(deletion)).toMatchObject({ removed: 2 });
  await expect(store.apply(deletion)).rejects.toMatchObject({ code: "NOT_FOUND" });

  await image(app, ["two"], { tags: ["two"] });
  await app.untag("two");
  const collection = await store.planCollect({ grace: 0 });
  expect(await store.apply(collection)).toMatchObject({ removed: collection.items.length, skipped: 0 });
  expect(await store.apply(collection)).toMatchObject({ removed: 0, bytes: 0, skipped: collection.items.length });
});

test("interrupted at any moment it leaves garbage at most, and a later collection takes that", async () => {
  for (let moment = 0; ; moment++) {
    const { store, app, blobs, catalog } = await open();
    await image(app, ["kept", "shared"], { tags: ["kept"] });
    const going = await image(app, ["going", "shared"]);
    await index(app, [going], { tags: ["going"] });
    const plan = await app.planDelete("going");
    const reason = new Error("enough");
    const controller = new AbortController();
    let calls = 0;
    const counted = <A extends unknown[], R>(target: object, name: string) => {
      const method = Reflect.get(target, name) as (...args: A) => R;
      Reflect.set(target, name, (...args: A) => {
        if (calls++ === moment) controller.abort(reason);
        return method.apply(target, args);
      });
    };
    for (const name of ["change", "condemn", "purge", "locate"]) counted(catalog, name);
    counted(blobs, "delete");
    const result = await store.apply(plan, { signal: controller.signal }).catch((error: unknown) => error);
    if (!controller.signal.aborted) {
      expect(moment).toBeGreaterThan(5);
      break;
    }
    if (result instanceof Error) expect(result).toBe(reason);
    expect(await all(store.check())).toEqual([]);
    expect((await app.manifest("kept")).layers).toHaveLength(2);
    // Either it has begun, and the rest is garbage, or it has not, and can be applied as it is.
    if (await app.find("going")) await store.apply(plan);
    else await store.collect({ grace: 0 });
    expect((await contents(store)).filter((text) => !text.startsWith("sha256:"))).toEqual(["kept", "shared"]);
    expect((await all(store.parts.blobs.list())).length).toBe(3);
    expect(await all(store.condemned())).toEqual([]);
  }
});

test("a signal that is aborted beforehand changes nothing", async () => {
  const { store, app } = await open();
  await image(app, ["one"], { tags: ["one"] });
  const plan = await app.planDelete("one");
  const reason = new Error("no");
  await expect(store.apply(plan, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(await app.find("one")).toBeDefined();
});
