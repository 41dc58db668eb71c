import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ManualEnvironment } from "@ocistore/backend-suite";
import { type Digest, digestOf, encodedOf, type Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { bytes, fresh, push } from "./support/layouts.ts";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;

/** A store, and a way to leave bytes in it as a process does that dies before it records them. */
async function place() {
  const env = new ManualEnvironment();
  const { directory, store } = await fresh({ env });
  const fileOf = (digest: Digest) => join(directory, "blobs/sha256", encodedOf(digest));
  const leave = (text: string, age: number): Digest => {
    const digest = digestOf(bytes(text));
    mkdirSync(dirname(fileOf(digest)), { recursive: true });
    writeFileSync(fileOf(digest), bytes(text));
    const at = (env.now() - age) / 1000;
    utimesSync(fileOf(digest), at, at);
    return digest;
  };
  const isThere = (digest: Digest) => existsSync(fileOf(digest));
  return { env, store, leave, isThere };
}

const collected = async (store: Store, o: Parameters<Store["collect"]>[0] = {}) => {
  const { removed, condemned, kept } = await store.collect({ grace: 0, ...o });
  return { removed, condemned, kept: kept.length };
};

test("what a process left that died before it recorded it goes with the first collection of a day", async () => {
  const { env, store, leave, isThere } = await place();
  const image = await push(store, "app");
  const first = leave("first", 2 * HOUR);
  expect(await collected(store)).toEqual({ removed: 1, condemned: 0, kept: 0 });
  const second = leave("second", 2 * HOUR);
  expect(await collected(store)).toEqual({ removed: 0, condemned: 0, kept: 0 });
  expect([isThere(first), isThere(second)]).toEqual([false, true]);
  env.advance(DAY);
  expect(await collected(store)).toEqual({ removed: 1, condemned: 0, kept: 0 });
  expect([isThere(second), isThere(image.layer.digest)]).toEqual([false, true]);
});

test("within an hour it may be on its way, whatever the grace", async () => {
  const { store, leave, isThere } = await place();
  const digest = leave("young", HOUR / 2);
  expect(await collected(store)).toEqual({ removed: 0, condemned: 0, kept: 1 });
  expect(isThere(digest)).toBe(true);
});

test("one that did not get through all of them leaves the rest to the next, not to the next day's", async () => {
  const { store, leave } = await place();
  const { catalog } = store.parts;
  for (const text of ["one", "two", "three"]) leave(text, 2 * HOUR);
  expect(await collected(store, { maxFreed: 1 })).toEqual({ removed: 1, condemned: 0, kept: 2 });
  const condemn = catalog.condemn.bind(catalog);
  catalog.condemn = () => Promise.reject(new Error("in between"));
  await expect(store.collect({ grace: 0 })).rejects.toThrow("in between");
  catalog.condemn = condemn;
  expect(await collected(store)).toEqual({ removed: 2, condemned: 0, kept: 0 });
});

test("a plan lists them only when asked, and a collection can be told to or not to", async () => {
  const { store, leave } = await place();
  const digest = leave("stray", 2 * HOUR);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
  const { items } = await store.planCollect({ grace: 0, strays: true });
  expect(items.map((item) => [item.digest, item.reason])).toEqual([[digest, "nothing knows it"]]);
  expect(await collected(store, { strays: false })).toMatchObject({ removed: 0 });
  expect(await collected(store, { strays: true })).toMatchObject({ removed: 1 });
});
