import { expect, test } from "vitest";
import { HOUR, image, open } from "./support.ts";

test("while one collects, a second is refused; when it has ended, not", async () => {
  const { store, app, catalog } = await open();
  await image(app, ["a"], { tags: ["t"] });
  await app.untag("t");
  const epoch = await catalog.lease("collect", HOUR);
  await expect(store.collect({ grace: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  const plan = await store.planCollect({ grace: 0 });
  await expect(store.apply(plan)).rejects.toMatchObject({ code: "LOCKED" });
  await catalog.endLease("collect", epoch!);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2 });
});

test("a collection that fails lets the next one begin", async () => {
  const { store, app, blobs } = await open();
  await image(app, ["a"], { tags: ["t"] });
  await app.untag("t");
  const list = blobs.list.bind(blobs);
  blobs.list = () => {
    throw new Error("EIO");
  };
  await expect(store.collect({ grace: 0 })).rejects.toThrow("EIO");
  blobs.list = list;
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2 });
});

test("one that was asleep while another took over condemns and erases nothing any more", async () => {
  const { store, app, catalog, clock } = await open();
  await image(app, ["a"], { tags: ["t"] });
  await app.untag("t");
  const { items, header } = await store.planCollect({ grace: 0 });
  const stale = await catalog.lease("collect", HOUR);
  clock.advance(2 * HOUR);
  const fresh = await catalog.lease("collect", HOUR);
  expect(fresh).toBeGreaterThan(stale!);
  const until = clock.now();
  const run = header.id;
  await expect(catalog.condemn(items, { run, until, epoch: stale })).rejects.toMatchObject({ code: "CONFLICT" });
  await catalog.change("app", header.changes[0]!.steps);
  expect(await catalog.condemn(items, { run, until, epoch: fresh })).toHaveLength(2);
  const erase = async () => {
    throw new Error("erased by a collector that had lost its place");
  };
  await expect(catalog.purge(erase, { due: until, limit: 10, epoch: stale })).rejects.toMatchObject({
    code: "CONFLICT",
  });
});

test("a lease that was given back late does not end the next one's, and no epoch comes twice", async () => {
  const { catalog, clock } = await open();
  const first = await catalog.lease("collect", HOUR);
  clock.advance(2 * HOUR);
  const second = await catalog.lease("collect", HOUR);
  await catalog.endLease("collect", first!);
  expect(await catalog.lease("collect", HOUR)).toBeUndefined();
  await catalog.endLease("collect", second!);
  expect(await catalog.lease("collect", HOUR)).toBe(second! + 1);
});

test("a collector that works renews its lease, so that the next one does not think it dead", async () => {
  const { store, app, catalog, clock } = await open();
  await image(app, ["a"], { tags: ["t"] });
  await app.untag("t");
  const plan = await store.planCollect({ grace: 0 });
  const condemn = catalog.condemn.bind(catalog);
  let other: number | undefined = 0;
  catalog.condemn = async (...args) => {
    clock.advance(90_000);
    other = await catalog.lease("collect", HOUR);
    return condemn(...args);
  };
  const { change } = catalog;
  catalog.change = (...args) => {
    clock.advance(90_000);
    return change.apply(catalog, args);
  };
  expect(await store.apply(plan)).toMatchObject({ removed: 2 });
  expect(other).toBeUndefined();
});
