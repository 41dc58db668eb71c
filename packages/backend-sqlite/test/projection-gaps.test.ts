import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLayoutParts } from "@ocistore/backend-fs";
import { type Environment, openStore, packManifest, type Store, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { layoutCatalog } from "../src/index.ts";
import { fresh, push, rootsOf, tagsOf } from "./support/layouts.ts";
import { NAME, named, readIndex, rewrite, shownIn } from "./support/listing.ts";
import { watched } from "./support/place.ts";

// What other tools and other processes do in the gaps that reading, merging and writing index.json leave.

const HOUR = 3_600_000;

/** A process in which something happens just before its next transaction begins: the lock seems to be taken, and others have a turn. */
async function openWithGap(directory: string) {
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  let isNext = false;
  let happens: (() => Promise<void>) | undefined;
  const begins = (sql: string) => {
    if (!isNext || sql !== "BEGIN IMMEDIATE") return;
    isNext = false;
    throw Object.assign(new Error("in the gap"), { code: "SQLITE_BUSY" });
  };
  const env: Environment = {
    ...systemEnvironment,
    sleep: async (ms, o) => {
      const now = isNext ? undefined : happens;
      if (!now) return systemEnvironment.sleep(ms, o);
      happens = undefined;
      await now();
    },
  };
  const connect = () => watched(new Database(catalogPath), begins);
  const catalog = await layoutCatalog({ connect, blobs, listing, env, projection: "coalesced" });
  const store = await openStore({ blobs, catalog, env });
  onTestFinished(() => store.close());
  const inTheGap = (what: () => Promise<void>) => {
    isNext = true;
    happens = what;
  };
  return { store, catalog, inTheGap };
}

const listing = (manifests: readonly object[]) => JSON.stringify({ schemaVersion: 2, manifests });

async function rootOf(store: Store, tag: string) {
  const { mediaType, digest, size } = await store.repository().resolve(tag);
  return { mediaType, digest, size };
}

test("what is listed between the look and the transaction is no garbage", async () => {
  const { directory, store } = await fresh();
  const { manifest, layer } = await push(store, "a");
  const entry = { ...(await rootOf(store, "a")), annotations: { [NAME]: "theirs" } };
  await store.repository().untag("a");
  const second = await openWithGap(directory);
  let isListed = false;
  second.inTheGap(async () => {
    isListed = true;
    await writeFile(join(directory, "index.json"), listing([entry]));
  });
  const items = [manifest, layer].map((each) => ({ ...each, generation: "", kind: "blob" as const }));
  expect(await second.catalog.condemn(items, { run: "r1", until: 0 })).toEqual([]);
  expect(isListed).toBe(true);
  expect(await tagsOf(second.store)).toEqual({ theirs: manifest.digest });
});

test("a tag that both have moved stays on ours, and theirs is kept", async () => {
  const { directory, store, catalog, reports } = await fresh({ projection: "coalesced" });
  await push(store, "a");
  const ours = await push(store, "ours");
  const theirs = await push(store, "theirs");
  await catalog.flush();
  await store.repository().tag(ours.manifest.digest, "a");
  await rewrite(directory, (entries) => [
    ...entries.filter((entry) => !named("a")(entry) && !named("theirs")(entry)),
    { ...entries.find(named("theirs"))!, annotations: { [NAME]: "a" } },
  ]);
  await catalog.flush();
  expect(await tagsOf(store)).toEqual({ a: ours.manifest.digest, ours: ours.manifest.digest });
  expect(await rootsOf(store)).toContain(`own  ${theirs.manifest.digest}`);
  expect(reports).toMatchObject([{ putBack: [`${ours.manifest.digest} a`] }]);
});

test("one that lists again what had gone, and not all that was there then, takes nothing out", async () => {
  const { directory, store, catalog, reports } = await fresh();
  const a = await push(store, "a");
  for (const name of ["b", "c", "gone", "d"]) await push(store, name);
  const gone = (await readIndex(directory)).manifests.find(named("gone"))!;
  await store.repository().untag("gone");
  await rewrite(directory, (entries) => [...entries.filter((entry) => !named("a")(entry)), gone]);
  await catalog.look();
  expect(await tagsOf(store)).toMatchObject({ a: a.manifest.digest });
  expect(reports).toMatchObject([
    { takenIn: [`${gone.digest} gone`], takenOut: [], putBack: [`${a.manifest.digest} a`] },
  ]);
});

test("what one process has taken out and another user has set again is not taken out by a second process", async () => {
  const { directory, store, catalog, reports } = await fresh();
  const { manifest } = await push(store, "a");
  await push(store, "b");
  const second = await openWithGap(directory);
  await rewrite(directory, (entries) => entries.filter((entry) => !named("a")(entry)));
  let isAgain = false;
  second.inTheGap(async () => {
    await catalog.look();
    expect(await tagsOf(store)).not.toHaveProperty("a");
    await store.undo(reports[0]!.run!);
    isAgain = true;
  });
  await second.catalog.look();
  expect(isAgain).toBe(true);
  expect(await tagsOf(store)).toMatchObject({ a: manifest.digest });
});

test("what another tool has brought and not yet listed is condemned first, and comes back when it lists it", async () => {
  const { directory, store } = await fresh();
  const image = packManifest({ artifactType: "test/theirs" });
  const put = async (digest: string, content: Uint8Array) => {
    await mkdir(join(directory, "blobs/sha256"), { recursive: true });
    await writeFile(join(directory, "blobs", digest.replace(":", "/")), content);
  };
  await put(image.descriptor.digest, image.bytes);
  for (const { descriptor, bytes: content } of image.blobs) await put(descriptor.digest, content);
  const { condemned, removed } = await store.collect({ full: true, grace: 0, window: HOUR });
  expect([condemned, removed]).toEqual([2, 0]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  const { mediaType, digest } = image.descriptor;
  const entry = { mediaType, digest, size: image.bytes.length, annotations: { [NAME]: "theirs" } };
  await writeFile(join(directory, "index.json"), listing([entry]));
  await store.collect({ grace: 0 });
  await store.emptyTrash();
  expect(await tagsOf(store)).toEqual({ theirs: digest });
  expect(await store.repository().bytes(digest)).toEqual(image.bytes);
  expect(await shownIn(directory)).toEqual([[digest, "theirs"]]);
});

test("that other processes are about to write as well keeps nobody from writing", async () => {
  const { directory } = await fresh();
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  const other = new Database(catalogPath);
  const note = other.prepare("INSERT INTO projections (hash, at, changes, written, entries) VALUES (?, 0, 0, 0, '[]')");
  let noted = 0;
  let isBusy = false;
  const begins = (sql: string) => {
    if (isBusy && sql === "BEGIN IMMEDIATE") note.run(`noted ${noted++}`);
  };
  const connect = () => watched(new Database(catalogPath), begins);
  const catalog = await layoutCatalog({ connect, blobs, listing, projection: "coalesced" });
  const store = await openStore({ blobs, catalog });
  onTestFinished(async () => {
    await store.close();
    other.close();
  });
  await push(store, "a");
  isBusy = true;
  await catalog.flush();
  isBusy = false;
  expect(noted).toBeGreaterThan(1);
  expect((await shownIn(directory)).map(([, name]) => name)).toEqual(["a"]);
});
