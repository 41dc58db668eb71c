import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initLayout, openLayoutParts } from "@ocistore/backend-fs";
import { layoutCatalog } from "@ocistore/backend-sqlite";
import { openStore, type Store } from "@ocistore/core";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { fill } from "../src/catalog/fill.ts";
import { itemsOf, type Stock, targetOf } from "../src/catalog/stock.ts";

const STOCK: Stock = { manifests: 40, targets: 2, dead: 3 };
const TEN_BLOBS = 10;

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "ocistore-bench-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

async function open(directory: string): Promise<Store> {
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  const catalog = await layoutCatalog({ connect: () => new Database(catalogPath), blobs, listing });
  const store = await openStore({ blobs, catalog });
  onTestFinished(() => store.close());
  return store;
}

/** Every row that says what is stored, with digests and names for numbers; when it came is left out. */
function rowsIn(directory: string): Record<string, unknown> {
  const db = new Database(join(directory, ".ocistore", "catalog.db"), { readonly: true });
  onTestFinished(() => void db.close());
  const all = (sql: string) => db.prepare(sql).raw().all();
  const hex = (column: string) => `(SELECT hex(digest) FROM digests WHERE id = ${column})`;
  const type = (column: string) => `(SELECT name FROM types WHERE id = ${column})`;
  return {
    digests: all("SELECT hex(digest) FROM digests ORDER BY digest"),
    blobs: all(`SELECT ${hex("id")} AS d, size, generation FROM blobs ORDER BY d`),
    manifests: all(
      `SELECT ${hex("id")} AS d, ${type("media_type")}, ${type("artifact_type")}, annotations FROM manifests ORDER BY d`,
    ),
    edges: all(`SELECT ${hex("manifest")} AS d, place, ${hex("target")}, kind, optional, ${type("media_type")}, size
      FROM edges ORDER BY d, place`),
    members: all(`SELECT r.name, ${hex("manifest")} AS d, own, absent
      FROM members JOIN repositories r ON r.id = repository ORDER BY d`),
    tags: all(
      `SELECT r.name, t.name, ${hex("manifest")} FROM tags t JOIN repositories r ON r.id = repository ORDER BY 2`,
    ),
    queue: all(`SELECT ${hex("id")} AS d, asleep FROM queue ORDER BY d`),
    others: all(`SELECT (SELECT count(*) FROM condemned), (SELECT count(*) FROM referrers), (SELECT count(*) FROM pins),
      (SELECT count(*) FROM claims), (SELECT count(*) FROM runs)`),
    schema: all("SELECT name, sql FROM sqlite_schema ORDER BY name"),
  };
}

test("the rows that are written are those that pushes write", async () => {
  const [written, pushed] = [temporary(), temporary()];
  await fill(written, STOCK, { files: "touched" });

  await initLayout(pushed);
  const store = await open(pushed);
  const repository = store.repository();
  const dead: string[] = [];
  await repository.session(async (session) => {
    for (const { bytes, descriptor, isManifest, tag, isDead } of itemsOf(STOCK)) {
      if (!isManifest) await session.putBlob(bytes);
      else
        await session.putManifest({ bytes, mediaType: descriptor.mediaType }, tag === undefined ? {} : { tags: [tag] });
      if (isDead) dead.push(tag!);
    }
  });
  // Has the queue looked through, as a collector does now and then.
  await store.collect({ grace: 0 });
  for (const tag of dead) await repository.untag(tag);

  expect(rowsIn(written)).toEqual(rowsIn(pushed));
});

test("nothing is wrong with it, and just what is dead is garbage, for the queue and for a mark of it all", async () => {
  const directory = temporary();
  await fill(directory, STOCK, { files: "all" });
  const store = await open(directory);
  for await (const finding of store.check()) expect.fail(finding.message);
  const { removed, missed } = await store.collect({ grace: 0, full: true });
  expect(missed).toEqual([]);
  expect(removed).toBe(STOCK.dead * TEN_BLOBS);
  const { items } = await store.repository().planDelete(targetOf(0));
  expect(items).toHaveLength(TEN_BLOBS);
});
