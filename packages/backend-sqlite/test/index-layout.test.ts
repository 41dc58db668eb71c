import { cpSync, existsSync, readdirSync } from "node:fs";
import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initLayout, openLayout, openLayoutParts } from "@ocistore/backend-fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { indexLayout } from "../src/index.ts";
import { indexed, openIndexed, push, rootsOf, tagsOf } from "./support/layouts.ts";
import { type Entry, NAME, rewrite, shownIn } from "./support/listing.ts";
import { temporary } from "./support/place.ts";

test("times of arrival, pins, the policy and who the store is are taken over", async () => {
  const directory = join(temporary(), "layout");
  const policy = { grace: 5, window: 6, wait: 7, untagged: 8 };
  await initLayout(directory, { policy });
  const plain = await openLayout(directory);
  const { manifest, layer } = await push(plain, "a");
  await plain.repository().pin(layer.digest, "held");
  const identity = await plain.parts.catalog.identity();
  await plain.close();
  for (const { digest } of [manifest, layer]) await utimes(join(directory, "blobs", ...digest.split(":")), 1, 1);
  await indexed(directory);
  const { store } = await openIndexed(directory);
  expect(await store.policy()).toEqual(policy);
  expect(await store.parts.catalog.identity()).toBe(identity);
  expect(await rootsOf(store)).toEqual([`pin held ${layer.digest}`, `tag a ${manifest.digest}`]);
  expect(await store.parts.catalog.locate("", layer.digest)).toMatchObject({ since: 1000 });
  expect(await store.parts.catalog.manifest("", manifest.digest)).toMatchObject({ pushed: 1000 });
});

test("not while a session is open, nor while something waits in the trash, nor twice", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory, { policy: { grace: 0, window: 3_600_000, wait: 0 } });
  const plain = await openLayout(directory);
  await push(plain, "a");
  const session = plain.repository().openSession("somebody");
  await session.putBlob({ stream: new Uint8Array(3) });
  await expect(indexed(directory)).rejects.toMatchObject({ code: "LOCKED", data: { holders: ["session somebody"] } });
  await session.end();
  await plain.repository().delete("a");
  await expect(indexed(directory)).rejects.toMatchObject({ code: "CONFLICT" });
  await plain.emptyTrash();
  await indexed(directory);
  await expect(indexed(directory)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await plain.close();
});

test("whoever dies at it leaves the layout as it was, and the next one begins anew", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory);
  const plain = await openLayout(directory);
  const { manifest } = await push(plain, "a");
  const { install, catalogPath } = await openLayoutParts(directory);
  let path = "";
  const died = install(async (each) => {
    path = each;
    throw new Error("killed");
  });
  await expect(died).rejects.toThrow("killed");
  expect(existsSync(catalogPath)).toBe(false);
  // As a process leaves it that had no chance to clear away.
  for (const suffix of ["", "-wal", "-shm"]) cpSync(join(directory, "index.json"), `${path}${suffix}`);
  await plain.repository().tag("a", "still");
  await plain.close();
  await indexed(directory);
  expect(readdirSync(join(directory, ".ocistore")).filter((name) => name.startsWith("catalog"))).toEqual([
    "catalog.db",
  ]);
  const { store } = await openIndexed(directory);
  expect(await tagsOf(store)).toEqual({ a: manifest.digest, still: manifest.digest });
});

test("not while a manifest in it cannot be read: it may name anything", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory);
  const plain = await openLayout(directory);
  const { manifest } = await push(plain, "a");
  await plain.close();
  await writeFile(join(directory, "blobs", ...manifest.digest.split(":")), "damaged");
  await expect(indexed(directory)).rejects.toMatchObject({ code: "CORRUPT" });
  expect((await openLayoutParts(directory)).hasCatalog).toBe(false);
});

test("what another tool lists while it is made is taken in", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory);
  const store = await openLayout(directory);
  const { manifest } = await push(store, "a");
  await store.close();
  const { plain, blobs, listing, install } = await openLayoutParts(directory);
  // After the tags have been asked for, which come before the pins.
  plain.pins = async function* () {
    const theirs = (entries: readonly Entry[]) => ({ ...entries[0]!, annotations: { [NAME]: "theirs" } });
    await rewrite(directory, (entries) => [...entries, theirs(entries)]);
  };
  await install((path) => indexLayout({ connect: () => new Database(path), plain, blobs, listing }));
  const opened = await openIndexed(directory);
  expect(await tagsOf(opened.store)).toEqual({ a: manifest.digest, theirs: manifest.digest });
  expect((await shownIn(directory)).map(([, name]) => name)).toEqual(["a", "theirs"]);
});

test("garbage that lies there when it is made is found by its catalog", async () => {
  const directory = join(temporary(), "layout");
  await initLayout(directory, { policy: { grace: 0, window: 0, wait: 0 } });
  const plain = await openLayout(directory);
  await plain.repository().session((session) => session.putBlob(new Uint8Array(3)));
  await push(plain, "a");
  await plain.close();
  await indexed(directory);
  const { store } = await openIndexed(directory);
  expect(await store.collect()).toMatchObject({ removed: 1, missed: [] });
});
