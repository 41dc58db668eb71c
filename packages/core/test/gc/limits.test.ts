import { expect, test } from "vitest";
import { digestOf } from "../../src/index.ts";
import { open } from "./support.ts";

const text = (value: string) => new TextEncoder().encode(value);

async function withGarbage(count: number) {
  const all = await open();
  await all.app.session(async (session) => {
    for (let number = 0; number < count; number++) await session.putBlob(text(`garbage ${number % 10} ${number}`));
  });
  return all;
}

test("maxFreed: so many bytes go, and the rest is the next collection's", async () => {
  const { store } = await withGarbage(10);
  const plan = await store.planCollect({ grace: 0, maxFreed: 33 });
  expect(plan.items).toHaveLength(3);
  expect(plan.kept.map(({ because }) => because)).toEqual(Array.from({ length: 7 }, () => "limit"));
  expect(await store.collect({ grace: 0, maxFreed: 33 })).toMatchObject({ removed: 3, bytes: 33 });
  // One that is larger than all that may go would stay for ever.
  expect(await store.collect({ grace: 0, maxFreed: 1 })).toMatchObject({ removed: 1 });
  expect(await store.collect({ grace: 0, maxFreed: 1000 })).toMatchObject({ removed: 6 });
});

test("maxTime: after so long no more lot is begun, and the rest stays", async () => {
  const { store, clock } = await withGarbage(450);
  const { catalog } = store.parts;
  const condemn = catalog.condemn.bind(catalog);
  catalog.condemn = (...args) => {
    clock.advance(1000);
    return condemn(...args);
  };
  expect(await store.collect({ grace: 0, maxTime: 1500 })).toMatchObject({ removed: 400, skipped: 50 });
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 50, skipped: 0 });
});

test("window: what a collection takes can be brought back for so long", async () => {
  const { store, app } = await open();
  await app.session((session) => session.putBlob(text("garbage")).then(() => {}));
  const { run, condemned } = await store.collect({ grace: 0, window: 1000 });
  expect(condemned).toBe(1);
  expect((await store.undo(run)).content).toEqual([digestOf(text("garbage"))]);
});
