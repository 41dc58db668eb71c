import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Placement, packManifest } from "@ocistore/core";
import { expect, test } from "vitest";
import { bytes, fresh, openIndexed, push, tagsOf } from "./support/layouts.ts";
import { NAME, named, readIndex, rewrite, shownIn } from "./support/listing.ts";

test("tags, roots of their own and referrers are listed; what an untagged image held is not any more", async () => {
  const { directory, store } = await fresh();
  const { manifest } = await push(store, "a", ["a", "also"]);
  const own = await push(store, "own", []);
  const signature = await store
    .repository()
    .session((session) => session.putManifest(packManifest({ artifactType: "test/sig", subject: manifest })));
  expect(await shownIn(directory)).toEqual([
    [manifest.digest, "a"],
    [manifest.digest, "also"],
    [own.manifest.digest, undefined],
    [signature.digest, undefined],
  ]);
  await store.repository().untag("also");
  await store.repository().untag("a");
  expect(await shownIn(directory)).toEqual([[own.manifest.digest, undefined]]);
});

test("written together, changes are there when the store is closed", async () => {
  const { directory, store } = await fresh({ projection: "coalesced" });
  const before = (await stat(join(directory, "index.json"))).ino;
  const a = await push(store, "a");
  const b = await push(store, "b");
  expect((await stat(join(directory, "index.json"))).ino).toBe(before);
  await store.close();
  expect(await shownIn(directory)).toEqual([
    [a.manifest.digest, "a"],
    [b.manifest.digest, "b"],
  ]);
});

test("nothing is erased while index.json may still list it, however long a change may wait to be written", async () => {
  const { directory, store, catalog } = await fresh({ projection: "coalesced" });
  await push(store, "a");
  await catalog.flush();
  await store.repository().delete("a", { window: 3_600_000 });
  const seen: unknown[] = [];
  const erase = async (placements: readonly Placement[]) => {
    seen.push(...(await shownIn(directory)));
    return placements.map(({ digest }) => digest);
  };
  const { purged } = await catalog.purge(erase, { due: Date.now() + 7_200_000, limit: 100 });
  expect(purged).toHaveLength(3);
  expect(seen).toEqual([]);
});

test("what nobody has written while it was off is written by the next who opens", async () => {
  const { directory, store } = await fresh({ projection: "off" });
  const a = await push(store, "a");
  await store.close();
  expect(await shownIn(directory)).toEqual([]);
  await (await openIndexed(directory)).store.close();
  expect(await shownIn(directory)).toEqual([[a.manifest.digest, "a"]]);
});

test("a tag that another tool sets is ours, with what it names, and nothing of it is collected", async () => {
  const { directory, store, reports } = await fresh();
  const { manifest, layer } = await push(store, "a");
  await rewrite(directory, (entries) => [...entries, { ...entries[0]!, annotations: { [NAME]: "theirs" } }]);
  await store.repository().untag("a");
  await store.collect({ grace: 0 });
  expect(await tagsOf(store)).toEqual({ theirs: manifest.digest });
  expect(await store.repository().bytes(layer.digest)).toBeDefined();
  expect(reports).toMatchObject([{ takenIn: [`${manifest.digest} theirs`], takenOut: [], putBack: [] }]);
  expect(await shownIn(directory)).toEqual([[manifest.digest, "theirs"]]);
});

test("an entry on condemned content brings it back, whole", async () => {
  const { directory, store } = await fresh();
  const { manifest, layer } = await push(store, "a");
  const [entry] = (await readIndex(directory)).manifests;
  await store.repository().delete("a", { window: 3_600_000 });
  expect(await shownIn(directory)).toEqual([]);
  // Written anew, and not the file of before to the letter.
  await writeFile(
    join(directory, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations: { [NAME]: "again" } }] }),
  );
  // It erases what is condemned, its time come or not.
  await store.emptyTrash();
  expect(await tagsOf(store)).toEqual({ again: manifest.digest });
  expect(await store.repository().bytes(layer.digest)).toEqual(bytes("layer of a"));
});

test("what is listed just before a collection is no garbage, though nothing of ours has been done since", async () => {
  const { directory, store } = await fresh({ projection: "off" });
  const { manifest, layer } = await push(store, "a");
  await store.repository().untag("a");
  const { mediaType, digest, size } = manifest;
  const entry = { mediaType, digest, size, annotations: { [NAME]: "theirs" } };
  await writeFile(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  const items = [manifest, layer].map((each) => ({ ...each, generation: "", kind: "blob" as const }));
  expect(await store.parts.catalog.condemn(items, { run: "r1", until: 0 })).toEqual([]);
  expect(await tagsOf(store)).toEqual({ theirs: digest });
});

test("what another tool takes out goes with what only that held, and can be brought back for a day", async () => {
  let now = Date.now() + 86_400_000;
  const env = {
    now: () => now,
    random: (n: number) => crypto.getRandomValues(new Uint8Array(n)),
    sleep: async () => {},
  };
  const { directory, store, catalog, reports } = await fresh({ env });
  const a = await push(store, "a");
  const b = await push(store, "b");
  now += 3_600_000;
  await rewrite(directory, (entries) => entries.filter((entry) => !named("a")(entry)));
  await catalog.look();
  expect(reports).toMatchObject([{ takenIn: [], takenOut: [`${a.manifest.digest} a`], putBack: [] }]);
  const condemned: string[] = [];
  for await (const { digest, until } of store.condemned()) {
    condemned.push(digest);
    expect(until).toBe(now + 86_400_000);
  }
  expect(condemned.sort()).toEqual([a.manifest.digest, a.layer.digest].sort());
  await store.collect({ grace: 0 });
  await store.undo(reports[0]!.run);
  expect(await tagsOf(store)).toEqual({ a: a.manifest.digest, b: b.manifest.digest });
  expect(await shownIn(directory)).toEqual([
    [b.manifest.digest, "b"],
    [a.manifest.digest, "a"],
  ]);
});

test("an old file that is written back takes nothing out and brings nothing back, but what it adds is taken in", async () => {
  const { directory, store, catalog, reports } = await fresh();
  const a = await push(store, "a");
  const gone = await push(store, "gone");
  const old = await readIndex(directory);
  const b = await push(store, "b");
  await store.repository().untag("gone");
  const theirs = { ...old.manifests[0]!, annotations: { [NAME]: "theirs" } };
  await writeFile(join(directory, "index.json"), JSON.stringify({ ...old, manifests: [...old.manifests, theirs] }));
  await catalog.flush();
  const tags = { a: a.manifest.digest, b: b.manifest.digest, theirs: a.manifest.digest };
  expect(await tagsOf(store)).toEqual(tags);
  expect(reports).toMatchObject([
    {
      takenIn: [`${a.manifest.digest} theirs`],
      takenOut: [],
      putBack: [`${b.manifest.digest} b`, `${gone.manifest.digest} gone`],
    },
  ]);
  expect((await shownIn(directory)).map(([, name]) => name).sort()).toEqual(["a", "b", "theirs"]);
});

test("what is half written stops whoever would take something away, and is never taken for empty", async () => {
  const { directory, store, catalog } = await fresh();
  await store.repository().session((session) => session.putBlob({ stream: bytes("garbage") }));
  const a = await push(store, "a");
  const whole = await readFile(join(directory, "index.json"));
  await writeFile(join(directory, "index.json"), whole.subarray(0, 40));
  await expect(store.collect({ grace: 0 })).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await expect(catalog.look()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await writeFile(join(directory, "index.json"), whole);
  await store.collect({ grace: 0 });
  expect(await tagsOf(store)).toEqual({ a: a.manifest.digest });
});

test("an entry that may name anything stops collection, and one whose manifest is absent stays until it comes", async () => {
  const { directory, store, catalog } = await fresh();
  const { manifest } = await push(store, "a");
  const image = packManifest({ artifactType: "test/late" });
  const late = { mediaType: image.descriptor.mediaType, digest: image.descriptor.digest, size: image.bytes.length };
  await rewrite(directory, (entries) => [...entries, { ...late, annotations: { [NAME]: "late" } }]);
  await store.repository().tag("a", "more");
  expect((await shownIn(directory)).map(([, name]) => name)).toEqual(["a", "late", "more"]);
  const path = join(directory, "blobs", ...image.descriptor.digest.split(":"));
  await writeFile(path, "damaged");
  await store.repository().session((session) => session.putBlob({ stream: bytes("garbage") }));
  await expect(store.collect({ grace: 0 })).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await writeFile(path, image.bytes);
  await catalog.flush();
  expect(await tagsOf(store)).toMatchObject({ late: image.descriptor.digest, more: manifest.digest });
  expect((await store.collect({ grace: 0 })).removed).toBe(1);
});
