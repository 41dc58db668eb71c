import { expect, test } from "vitest";
import { all, contents, HOUR, image, open } from "./support.ts";

test("the latest run is undone, or the one that is named", async () => {
  const { store, app, clock } = await open({ policy: { window: HOUR } });
  await image(app, ["one"], { tags: ["v1"] });
  await image(app, ["two"], { tags: ["v2"] });
  const first = await app.delete("v1");
  clock.advance(1);
  await app.delete("v2");
  expect(await store.undo()).toMatchObject({ tags: [{ name: "v2" }] });
  expect(await store.undo(first.run)).toMatchObject({ run: first.run, tags: [{ repository: "app", name: "v1" }] });
  expect((await all(app.tags())).map(({ name }) => name)).toEqual(["v1", "v2"]);
  await expect(store.undo()).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(store.undo(first.run)).rejects.toMatchObject({ code: "NOT_FOUND", data: { reference: first.run } });
});

test("without a window there is nothing to undo", async () => {
  const { store, app } = await open();
  await image(app, ["one"], { tags: ["v1"] });
  const { run } = await app.delete("v1");
  expect(await all(store.trash())).toEqual([]);
  await expect(store.undo(run)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("an untag is no run: there are no bytes to bring back, and the tag can be put where it was", async () => {
  const { store, app } = await open({ policy: { window: HOUR } });
  await image(app, ["one"], { tags: ["v1"] });
  await app.untag("v1");
  expect(await all(store.trash())).toEqual([]);
});

test("a repository that shared the bytes gets its own back, and the other keeps what it has", async () => {
  const { store, app, clock } = await open({ policy: { window: 5 * HOUR } });
  const other = store.repository("other");
  const pushed = await image(app, ["shared"], { tags: ["v1"] });
  await image(other, ["shared"], { tags: ["v1"] });
  const { run } = await app.delete("v1");
  await other.untag("v1");
  await store.undo(run);
  expect(await app.find("v1")).toMatchObject({ digest: pushed.digest });
  expect(await other.find("v1")).toBeUndefined();
  clock.advance(2 * HOUR);
  await store.collect();
  expect(await app.find("v1")).toMatchObject({ digest: pushed.digest });
  expect(await contents(store)).toContain("shared");
});

test("the trash says what is in it, and can be emptied before its time", async () => {
  const { store, app } = await open({ policy: { window: HOUR } });
  await image(app, ["one"], { tags: ["v1", "v1-too"] });
  await image(app, ["two"], { tags: ["v2"] });
  const { run } = await app.delete("v1-too");
  const second = await app.delete("v2");
  const third = await app.delete("v1");
  expect((await all(store.trash())).map(({ content }) => content).sort()).toEqual([0, 2, 2]);
  expect(await store.emptyTrash({ run: second.run })).toMatchObject({ erased: 2 });
  expect(await contents(store)).not.toContain("two");
  await expect(store.undo(second.run)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(store.emptyTrash({ run: second.run })).rejects.toMatchObject({ code: "NOT_FOUND" });
  const erased: string[] = [];
  await store.emptyTrash({ onErased: ({ kind }) => erased.push(kind) });
  expect(erased).toEqual(["manifest", "blob"]);
  expect(await all(store.trash())).toEqual([]);
  expect(await contents(store)).toEqual([]);
  for (const each of [run, third.run]) await expect(store.undo(each)).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("what is in use again is not erased with the trash", async () => {
  const { store, app } = await open({ policy: { window: HOUR } });
  const pushed = await image(app, ["one"], { tags: ["v1"] });
  await app.delete("v1");
  const session = app.openSession("holder");
  expect(await session.has([pushed.digest])).toEqual(new Set([pushed.digest]));
  expect(await store.emptyTrash()).toEqual({ erased: 0, bytes: 0 });
  expect(await contents(store)).toContain("one");
});

test("what came back has its grace before it, should it lose its reason again", async () => {
  const { store, app, clock } = await open({ policy: { window: 5 * HOUR } });
  await image(app, ["garbage"]);
  clock.advance(2 * HOUR);
  await store.collect({ untagged: HOUR });
  await store.undo();
  expect(await store.collect({ untagged: HOUR })).toMatchObject({ condemned: 0, removed: 0 });
  clock.advance(2 * HOUR);
  expect(await store.collect({ untagged: HOUR })).toMatchObject({ condemned: 2 });
});

test("of one run only what no other one needs is erased; all at once leaves nothing", async () => {
  const { store, app, clock } = await open({ policy: { window: HOUR } });
  await image(app, ["shared", "a"], { tags: ["v1"] });
  await image(app, ["shared", "b"], { tags: ["v2"] });
  await app.delete("v1");
  clock.advance(1);
  const { run } = await app.delete("v2");
  // The layer that both had went with the second, and the first would need it.
  expect(await store.emptyTrash({ run })).toMatchObject({ erased: 2 });
  expect(await contents(store)).toContain("shared");
  await expect(store.undo(run)).rejects.toMatchObject({ code: "MISSING_CONTENT" });
  expect(await store.emptyTrash()).toMatchObject({ erased: 3 });
  expect(await contents(store)).toEqual([]);
  expect(await all(store.trash())).toEqual([]);
});
