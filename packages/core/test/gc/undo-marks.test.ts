import { expect, test } from "vitest";
import { all, HOUR, image, open } from "./support.ts";

const POLICY = { grace: 0, window: 24 * HOUR };

test("what only lost its mark, and went by a later run, is a root again when the first run is undone", async () => {
  const { store, app, clock } = await open({ policy: POLICY });
  const untagged = await image(app, ["one"]);
  await app.pin(untagged.digest, "p");
  clock.advance(HOUR);
  const first = await store.collect({ untagged: 0 });
  await app.unpin("p");
  const second = await app.delete(untagged.digest);
  await store.undo(first.run);
  expect(await all(store.roots())).toMatchObject([{ why: "own", digest: untagged.digest }]);
  await store.undo(second.run);
  expect(await all(store.roots())).toMatchObject([{ why: "own", digest: untagged.digest }]);
  expect((await app.find(untagged.digest))?.digest).toBe(untagged.digest);
});

test("what has been erased since does not come back with its mark", async () => {
  const { store, app, clock } = await open({ policy: POLICY });
  const untagged = await image(app, ["one"]);
  await app.pin(untagged.digest, "p");
  clock.advance(HOUR);
  const first = await store.collect({ untagged: 0 });
  await app.unpin("p");
  await app.delete(untagged.digest, { window: 0 });
  await store.undo(first.run);
  expect(await all(store.roots())).toEqual([]);
});

test("a window may be as long as a number can say", async () => {
  const { store, app } = await open();
  await image(app, ["one"], { tags: ["v1"] });
  const { run } = await app.delete("v1", { window: Number.MAX_SAFE_INTEGER });
  expect(await all(store.trash())).toMatchObject([{ run, until: Number.MAX_SAFE_INTEGER }]);
  expect(await store.undo(run)).toMatchObject({ tags: [{ name: "v1" }] });
});
