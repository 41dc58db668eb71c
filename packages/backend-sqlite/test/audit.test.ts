import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, type Finding, packManifest, type Store } from "@ocistore/core";
import { expect, test } from "vitest";
import { bytes, fresh, openIndexed, push } from "./support/layouts.ts";
import { connection } from "./support/place.ts";

const fileOf = (directory: string, digest: string) => join(directory, "blobs", ...digest.split(":"));

async function checked(store: Store, o: Parameters<Store["check"]>[0] = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of store.check(o)) findings.push(finding);
  return findings;
}

/** A store of two images, closed; the SQL is run on its catalog as nobody of ours would. */
async function damaged(o: { sql?: (digests: Record<string, string>) => string; files?: "layer" | "manifest" }) {
  const { directory, store } = await fresh();
  const { layer, manifest } = await push(store, "a");
  await push(store, "b");
  const signature = await store
    .repository()
    .session((session) => session.putManifest(packManifest({ artifactType: "test/signature", subject: manifest })));
  await store.close();
  const digests = { layer: layer.digest, manifest: manifest.digest, signature: signature.digest };
  const sql = o.sql?.(digests);
  if (sql !== undefined) {
    const db = connection(join(directory, ".ocistore/catalog.db"));
    db.pragma("foreign_keys = OFF");
    db.exec(sql);
    expect(db.prepare("SELECT changes() AS changes").get()).not.toEqual({ changes: 0 });
    db.close();
  }
  if (o.files) rmSync(fileOf(directory, digests[o.files]));
  return { directory, digests, ...(await openIndexed(directory, { projection: "coalesced" })) };
}

/** The number of a digest, in SQL. */
const id = (digest: string) => `(SELECT id FROM digests WHERE hex(digest) = '02${digest.slice(7).toUpperCase()}')`;

test("a row without bytes is missing, by all that names it, and says what to do", async () => {
  const { store, digests } = await damaged({ files: "layer" });
  for (const fast of [false, true]) {
    expect(await checked(store, { fast })).toEqual([
      expect.objectContaining({
        level: "error",
        code: "missing",
        digest: digests.layer,
        namedBy: digests.manifest,
        advice: expect.stringContaining("repair"),
      }),
    ]);
  }
});

test("a row without bytes that nothing names is missing too: a push that asks is told that it is there", async () => {
  const { store, directory } = await fresh();
  const lone = await store.repository().session((session) => session.putBlob(bytes("alone")));
  expect(await checked(store)).toEqual([]);
  rmSync(fileOf(directory, lone.digest));
  const finding = { level: "error", code: "missing", digest: lone.digest };
  expect(await checked(store)).toMatchObject([finding]);
  // Mended, it is absent for whoever pushes it, and stored anew by that.
  expect(await checked(store, { repair: true, dryRun: true })).toMatchObject([
    { ...finding, repaired: expect.stringContaining("forgotten") },
  ]);
  expect(await checked(store)).toMatchObject([finding]);
  expect(await checked(store, { repair: true })).toMatchObject([
    { ...finding, repaired: expect.stringContaining("forgotten") },
  ]);
  expect(await checked(store)).toEqual([]);
  const again = { stream: bytes("alone"), digest: lone.digest };
  await store.repository().session((session) => session.putBlob(again));
  expect(existsSync(fileOf(directory, lone.digest))).toBe(true);
});

test("a row without bytes gets them from a source that has them, a manifest too", async () => {
  const { store: source } = await fresh();
  await push(source, "a");
  for (const files of ["layer", "manifest"] as const) {
    const { store, digests } = await damaged({ files });
    const from = [source.repository()];
    expect(await checked(store, { repair: true, from, dryRun: true })).toMatchObject([
      { digest: digests[files], repaired: "fetched from a source" },
    ]);
    expect(await checked(store, { repair: true, from })).toMatchObject([
      { digest: digests[files], repaired: "fetched from a source" },
    ]);
    expect(await checked(store)).toEqual([]);
    expect((await store.repository().resolve("a")).digest).toBe(digests.manifest);
  }
});

test("a manifest whose bytes are gone keeps what it names, until somebody brings it", async () => {
  const { store, digests, directory } = await damaged({ files: "manifest" });
  const dangling = { level: "error", code: "dangling", digest: digests.manifest, namedBy: "tag a" };
  expect(await checked(store)).toMatchObject([dangling]);
  expect((await checked(store, { repair: true })).filter(({ repaired }) => repaired)).toEqual([]);
  await store.collect({ grace: 0 });
  expect(existsSync(fileOf(directory, digests.layer))).toBe(true);
  await push(store, "a");
  expect(await checked(store)).toEqual([]);
});

test("bytes without a row are found, and are no error while nothing names them", async () => {
  const { store, directory } = await fresh();
  await push(store, "a");
  const digest = digestOf(bytes("of nobody"));
  writeFileSync(fileOf(directory, digest), "of nobody");
  const finding = { level: "warning", code: "unrecorded", digest, advice: expect.stringContaining("collection") };
  for (const fast of [false, true]) expect(await checked(store, { fast })).toMatchObject([finding]);
});

test("what is condemned is known, until its bytes are gone before their time", async () => {
  const { store, directory } = await fresh();
  const { layer } = await push(store, "a");
  await store.repository().delete("a", { window: 3_600_000 });
  expect(await checked(store)).toEqual([]);
  rmSync(fileOf(directory, layer.digest));
  expect(await checked(store)).toMatchObject([{ level: "warning", code: "missing", digest: layer.digest }]);
});

test("an edge without a row: the bytes are there, and the catalog does not know of them", async () => {
  const { store, digests } = await damaged({ sql: ({ layer }) => `DELETE FROM blobs WHERE id = ${id(layer!)}` });
  const finding = { level: "error", code: "unrecorded", digest: digests.layer, namedBy: digests.manifest };
  expect(await checked(store)).toMatchObject([{ ...finding, advice: expect.stringContaining("rebuild") }]);
});

test("a link that the catalog has lost, or has too many of, is found by the bytes of the manifest", async () => {
  const lost = await damaged({ sql: ({ layer }) => `DELETE FROM edges WHERE target = ${id(layer!)}` });
  const finding = { level: "error", code: "edges", digest: lost.digests.manifest };
  expect(await checked(lost.store)).toMatchObject([{ ...finding, advice: expect.stringContaining("rebuild") }]);
  const more = await damaged({
    sql: ({ manifest, layer }) => `INSERT INTO edges VALUES (${id(manifest!)}, 77, ${id(layer!)}, 1, 0, NULL, NULL)`,
  });
  expect(await checked(more.store)).toMatchObject([{ ...finding, digest: more.digests.manifest }]);
});

test("a referrer that is not listed under its subject is found", async () => {
  const { store, digests } = await damaged({ sql: () => "DELETE FROM referrers" });
  expect(await checked(store)).toMatchObject([{ level: "error", code: "edges", digest: digests.signature }]);
});

test("a tag on a manifest that the catalog does not know dangles", async () => {
  const { store, digests } = await damaged({
    sql: ({ manifest }) => `DELETE FROM members WHERE manifest = ${id(manifest!)}`,
  });
  const finding = { level: "error", code: "dangling", digest: digests.manifest, namedBy: "tag a" };
  expect(await checked(store)).toContainEqual(expect.objectContaining(finding));
});

test("a manifest of which the catalog has lost the bytes is not recorded", async () => {
  const { store, digests } = await damaged({
    sql: ({ signature }) => `DELETE FROM blobs WHERE id = ${id(signature!)}`,
  });
  const about = { level: "error", digest: digests.signature };
  // Nor can it be listed, so that the list has one too many.
  expect(await checked(store)).toMatchObject([
    { ...about, code: "unrecorded" },
    { ...about, code: "listing" },
  ]);
});

test("other bytes are corrupt, and another length is found without reading them", async () => {
  const { store, digests, directory } = await damaged({});
  writeFileSync(fileOf(directory, digests.layer), "layer of A");
  expect(await checked(store)).toMatchObject([{ level: "error", code: "corrupt", digest: digests.layer }]);
  writeFileSync(fileOf(directory, digests.layer), "more");
  expect(await checked(store, { fast: true })).toMatchObject([{ code: "size", digest: digests.layer }]);
});

test("an index.json that says otherwise than the catalog, which takes it to be as it wrote it", async () => {
  const { store } = await damaged({
    sql: () => "DELETE FROM tags WHERE name = 'b'; UPDATE listing SET written = changes",
  });
  expect(await checked(store)).toMatchObject([{ level: "error", code: "listing", namedBy: "tag b" }]);
});

test("what another tool has listed and is not there dangles, and of what is damaged nothing is taken away", async () => {
  const { store, directory, digests } = await damaged({});
  const path = join(directory, "index.json");
  const index = JSON.parse(readFileSync(path, "utf8"));
  const absent = digestOf(bytes("absent"));
  const entry = { ...index.manifests[0], annotations: { "org.opencontainers.image.ref.name": "theirs" } };
  writeFileSync(path, JSON.stringify({ ...index, manifests: [...index.manifests, { ...entry, digest: absent }] }));
  const dangling = { level: "error", code: "dangling", digest: absent, namedBy: "tag theirs" };
  expect(await checked(store)).toMatchObject([dangling]);
  writeFileSync(fileOf(directory, absent), "damaged");
  expect(await checked(store)).toContainEqual(expect.objectContaining({ ...dangling, code: "unreadable" }));
  await expect(store.collect({ grace: 0 })).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  expect(existsSync(fileOf(directory, digests.layer))).toBe(true);
});
