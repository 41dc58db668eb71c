import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLayoutParts } from "@ocistore/backend-fs";
import { type BlobStore, OciStoreError, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { rebuildCatalog } from "../src/index.ts";
import { openIndexed, rootsOf, tagsOf } from "./support/layouts.ts";
import { connection } from "./support/place.ts";
import { catalogOf, fileOf, findingsOf, full, HOUR, known, rebuilt } from "./support/rebuilding.ts";

/** All that is in a database, but for what a rebuild puts down anew: what is to be looked at, and how often a list has changed. */
function contentOf(directory: string): Record<string, unknown[]> {
  const db = connection(catalogOf(directory));
  const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all();
  const content: Record<string, unknown[]> = {};
  for (const { name } of names as { name: string }[]) {
    if (name !== "queue" && name !== "listing") content[name] = db.prepare(`SELECT * FROM ${name}`).all();
  }
  db.close();
  return content;
}

test("what is sound is the same afterwards, row by row, and nothing is set aside", async () => {
  const { directory } = await full();
  const [before, content] = [await known(directory), contentOf(directory)];
  expect(await rebuilt(directory)).toEqual({ blobs: 10, manifests: 5, tags: 3, lost: [] });
  expect(contentOf(directory)).toEqual(content);
  expect(readdirSync(join(directory, ".ocistore")).filter((name) => name.startsWith("catalog"))).toEqual([
    "catalog.db",
  ]);
  expect(existsSync(join(directory, ".ocistore/damaged"))).toBe(false);
  expect(await known(directory)).toEqual(before);
});

test("what was taken out before comes back after it", async () => {
  const { directory, lost, run } = await full();
  await rebuilt(directory);
  const { store } = await openIndexed(directory);
  await store.undo(run);
  expect(await tagsOf(store)).toMatchObject({ lost: lost.manifest.digest });
  expect(await findingsOf(store)).toEqual([]);
});

const id = (digest: string) => `(SELECT id FROM digests WHERE hex(digest) = '02${digest.slice(7).toUpperCase()}')`;

type Full = Awaited<ReturnType<typeof full>>;

/** What somebody does to the rows, behind our back. */
const DAMAGE: Readonly<Record<string, (o: Full) => string>> = {
  "links that are gone": () => "DELETE FROM edges",
  "a link too many": ({ a, child }) =>
    `INSERT INTO edges VALUES (${id(child.digest)}, 77, ${id(a.layer.digest)}, 1, 0, NULL, NULL)`,
  "a row of bytes that is gone": ({ a }) => `DELETE FROM blobs WHERE id = ${id(a.layer.digest)}`,
  "all rows of bytes that are gone": () => "DELETE FROM blobs",
  "a child that is no member": ({ child }) => `DELETE FROM members WHERE manifest = ${id(child.digest)}`,
  "a tag on what is no member": ({ a }) => `DELETE FROM members WHERE manifest = ${id(a.manifest.digest)}`,
  "a tagged manifest that is none": ({ a }) =>
    `DELETE FROM members WHERE manifest = ${id(a.manifest.digest)}; DELETE FROM manifests WHERE id = ${id(a.manifest.digest)}`,
  "a list of referrers that is gone": () => "DELETE FROM referrers",
  "an artifact type that is another": () => "UPDATE manifests SET artifact_type = 1",
};

test.each(Object.entries(DAMAGE))("%s: a check finds it, and afterwards all is as it was", async (_, damage) => {
  const all = await full();
  const { directory } = all;
  const before = await known(directory);
  const db = connection(catalogOf(directory));
  db.pragma("foreign_keys = OFF");
  db.exec(damage(all));
  db.close();
  expect((await known(directory)).findings).not.toEqual([]);
  await rebuilt(directory);
  const { reports, ...after } = await known(directory);
  expect(after).toEqual({ ...before, reports: undefined, findings: [] });
});

test("a row without bytes goes, but for that of a manifest, which keeps what it names", async () => {
  const { directory, a, claimed, lost } = await full();
  for (const { digest } of [a.manifest, claimed, lost.layer]) rmSync(fileOf(directory, digest));
  expect(await rebuilt(directory)).toMatchObject({ lost: [] });
  const { store } = await openIndexed(directory);
  expect(await findingsOf(store)).toMatchObject([{ code: "dangling", digest: a.manifest.digest, namedBy: "tag a" }]);
  await store.collect({ grace: 0 });
  expect(existsSync(fileOf(directory, a.layer.digest))).toBe(true);
});

test("what is no database any more is set aside: tags come from index.json, and nothing goes before a grace is over", async () => {
  const all = await full();
  const { directory } = all;
  const plain = await openLayoutParts(directory);
  writeFileSync(catalogOf(directory), "no database");
  await expect(openIndexed(directory)).rejects.toMatchObject({ code: "CORRUPT" });
  expect(await rebuilt(directory)).toMatchObject({ lost: ["everything"] });
  expect(readFileSync(join(directory, ".ocistore/damaged/catalog.db.1"), "utf8")).toBe("no database");
  const { store, reports } = await openIndexed(directory);
  expect(await tagsOf(store)).toEqual({
    a: all.a.manifest.digest,
    again: all.index.digest,
    many: all.index.digest,
  });
  expect(reports).toMatchObject([{ takenOut: [], putBack: [], aside: [] }]);
  expect(await findingsOf(store)).toEqual([]);
  expect(await store.parts.catalog.identity()).toBe(await plain.plain.identity());
  // What only the old one knew of is garbage, in its time.
  expect((await store.planCollect()).items).toEqual([]);
  expect((await store.planCollect({ grace: 0 })).items.map(({ digest }) => digest)).toContain(all.claimed.digest);
});

test("a catalog of which a part cannot be read is read as far as it can, and set aside", async () => {
  const { directory, a } = await full();
  const path = catalogOf(directory);
  const db = connection(path);
  const { page } = db.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'edges'").get() as {
    page: number;
  };
  const size = db.pragma("page_size", { simple: true }) as number;
  db.close();
  const file = readFileSync(path);
  file.fill(0xff, (page - 1) * size, page * size);
  writeFileSync(path, file);
  expect(await rebuilt(directory)).toMatchObject({ lost: ["edges"], tags: 3 });
  expect(existsSync(join(directory, ".ocistore/damaged/catalog.db.1"))).toBe(true);
  const { store } = await openIndexed(directory);
  expect(await findingsOf(store)).toEqual([]);
  expect(await rootsOf(store)).toContain(`pin held ${a.layer.digest}`);
  expect(await store.policy()).toMatchObject({ grace: 2 * HOUR });
});

test("one that somebody has emptied is as good as none", async () => {
  const { directory, a } = await full();
  truncateSync(catalogOf(directory), 0);
  await rebuilt(directory);
  const { store } = await openIndexed(directory);
  expect(await tagsOf(store)).toMatchObject({ a: a.manifest.digest });
  expect(await findingsOf(store)).toEqual([]);
});

test("not while somebody has it open, and not one of a newer ocistore or of somebody else", async () => {
  const { directory } = await full();
  const before = contentOf(directory);
  const { store } = await openIndexed(directory);
  const parts = await openLayoutParts(directory);
  const hasty = { ...systemEnvironment, now: hours() };
  const connect = (path: string) => new Database(path);
  const attempt = rebuildCatalog({ ...parts, connect, env: hasty });
  await expect(attempt).rejects.toMatchObject({ code: "LOCKED" });
  expect(await findingsOf(store)).toEqual([]);
  await store.close();

  const set = (pragma: string) => {
    const db = connection(catalogOf(directory));
    const [name = ""] = pragma.split(" ");
    const was = db.pragma(name, { simple: true });
    db.pragma(pragma);
    db.close();
    return `${name} = ${was}`;
  };
  for (const pragma of ["user_version = 99", "application_id = 7"]) {
    const back = set(pragma);
    await expect(rebuilt(directory)).rejects.toMatchObject({ code: "UNSUPPORTED" });
    set(back);
  }
  expect(contentOf(directory)).toEqual(before);
  expect(existsSync(join(directory, ".ocistore/damaged"))).toBe(false);
});

test("if it comes to nothing, the old one is in use as before", async () => {
  const { directory } = await full();
  const before = await known(directory);
  const parts = await openLayoutParts(directory);
  const connect = (path: string) => new Database(path);
  const list: BlobStore["list"] = async function* () {
    yield* [];
    throw new OciStoreError("PERMISSION", "no");
  };
  const blobs = Object.assign(Object.create(parts.blobs) as BlobStore, { list });
  await expect(rebuildCatalog({ ...parts, connect, blobs })).rejects.toMatchObject({ code: "PERMISSION" });
  expect(await known(directory)).toEqual(before);
});

/** A clock of which each look is an hour later. */
function hours(): () => number {
  let now = Date.now();
  return () => {
    now += HOUR;
    return now;
  };
}
