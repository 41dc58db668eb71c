import { expect, test } from "vitest";
import type { Digest } from "../../src/index.ts";
import { all, image, index, open } from "./support.ts";

async function condemnedIndex() {
  const opened = await open();
  const { app, store } = opened;
  const child = await image(app, ["layer"]);
  const top = await index(app, [child], { tags: ["latest"] });
  const [layer] = (await app.manifest(child)).layers;
  await app.delete("latest", { window: 1 });
  opened.clock.advance(1);
  expect(await all(store.condemned())).toHaveLength(3);
  return { ...opened, order: [top.digest, child.digest, layer!.digest] };
}

test("parents are erased before what they name, in rounds", async () => {
  const { catalog, clock, order } = await condemnedIndex();
  const rounds: Digest[][] = [];
  const erase = async (placements: readonly { readonly digest: Digest }[]) => {
    rounds.push(placements.map(({ digest }) => digest));
    return placements.map(({ digest }) => digest);
  };
  await catalog.purge(erase, { due: clock.now(), limit: 10 });
  expect(rounds).toEqual(order.map((digest) => [digest]));
});

test("what names it could not be erased: then it stays too, and both go the next time", async () => {
  const { store, catalog, clock, order } = await condemnedIndex();
  const asked: Digest[] = [];
  const fails = async (placements: readonly { readonly digest: Digest }[]) => {
    asked.push(...placements.map(({ digest }) => digest));
    return [];
  };
  expect((await catalog.purge(fails, { due: clock.now(), limit: 10 })).purged).toEqual([]);
  expect(asked).toEqual([order[0]]);
  expect(await all(store.condemned())).toHaveLength(3);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 3 });
});
