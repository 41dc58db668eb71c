import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initLayout, openLayoutParts } from "@ocistore/backend-fs";
import { indexLayout, layoutCatalog, sqliteCatalog } from "@ocistore/backend-sqlite";
import { type Digest, parseManifest, recordOf } from "@ocistore/core";
import Database from "better-sqlite3";
import { type Item, itemsOf, type Stock } from "./stock.ts";

/** Everything is older than any grace. */
const MADE = Date.parse("2024-01-01T00:00:00Z");
/** So many rows in one transaction. */
const LOT = 20_000;

/**
 * Makes a layout with a catalog by writing the rows that pushes would have written, since to push a million manifests takes
 * hours. That they are the same is tested. index.json is then written by the catalog itself.
 *
 * @param o.files Which files are there: of `all`, or only of what a measured operation takes away.
 */
export async function fill(directory: string, stock: Stock, o: { readonly files: "all" | "touched" }): Promise<void> {
  await initLayout(directory);
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  const connect = () => new Database(catalogPath);
  await (await sqliteCatalog({ connect, blobs })).close();

  const db = connect();
  db.pragma("journal_mode = DELETE");
  db.pragma("synchronous = OFF");
  db.pragma("foreign_keys = OFF");
  db.pragma("cache_size = -1000000");
  const rows = new Rows(db);
  const indexes = withoutIndexes(db);
  const place = join(directory, "blobs", "sha256");
  mkdirSync(place, { recursive: true });
  db.exec("BEGIN");
  let count = 0;
  for (const item of itemsOf(stock)) {
    rows.add(item);
    if (o.files === "all" || item.isTouched) writeFileSync(join(place, hexOf(item.descriptor.digest)), item.bytes);
    if (++count % LOT === 0) db.exec("COMMIT; BEGIN");
  }
  db.exec("COMMIT");
  for (const sql of indexes) db.exec(sql);
  db.pragma("journal_mode = WAL");
  db.close();

  await (await layoutCatalog({ connect, blobs, listing })).close();
}

/** Gives a layout a catalog, as `ocistore index` does. */
export async function addCatalog(directory: string): Promise<void> {
  const { plain, blobs, listing, install } = await openLayoutParts(directory);
  await install((path) => indexLayout({ connect: () => new Database(path), plain, blobs, listing }));
}

/** What is not needed while the rows come is made at the end, sorted. */
function withoutIndexes(db: Database.Database): readonly string[] {
  const names = ["edges_by_target", "members_by_manifest", "tags_by_manifest"];
  return names.map((name) => {
    const { sql } = db.prepare("SELECT sql FROM sqlite_schema WHERE name = ?").get(name) as { readonly sql: string };
    db.exec(`DROP INDEX ${name}`);
    return sql;
  });
}

/** The numbers of the kinds of edges, as the catalog has them. */
const KINDS = ["config", "layer", "manifest", "subject", "opaque"];

class Rows {
  readonly #ids = new Map<Digest, number>();
  readonly #types = new Map<string, number>();
  readonly #repository: number;
  readonly #insert;

  constructor(db: Database.Database) {
    this.#repository = Number(db.prepare("INSERT INTO repositories (name) VALUES ('')").run().lastInsertRowid);
    this.#insert = {
      type: db.prepare("INSERT INTO types VALUES (?, ?)"),
      digest: db.prepare("INSERT INTO digests VALUES (?, ?)"),
      blob: db.prepare("INSERT INTO blobs VALUES (?, ?, '', ?)"),
      manifest: db.prepare("INSERT INTO manifests VALUES (?, ?, NULL, NULL, ?)"),
      edge: db.prepare("INSERT INTO edges VALUES (?, ?, ?, ?, 0, ?, ?)"),
      member: db.prepare("INSERT INTO members VALUES (?, ?, 0, ?, NULL)"),
      tag: db.prepare("INSERT INTO tags VALUES (?, ?, ?)"),
      queue: db.prepare("INSERT INTO queue VALUES (?, ?, 0)"),
    };
  }

  add({ bytes, descriptor, isManifest, tag, isDead }: Item): void {
    const { digest, size, mediaType } = descriptor;
    const id = this.#ids.size + 1;
    this.#ids.set(digest, id);
    this.#insert.digest.run(id, Buffer.from(`02${hexOf(digest)}`, "hex"));
    this.#insert.blob.run(id, size, MADE);
    if (!isManifest) return;
    const { edges } = recordOf(parseManifest(bytes, mediaType), { digest, size, generation: "" }, MADE);
    this.#insert.manifest.run(id, this.#typeOf(mediaType), MADE);
    for (const [place, edge] of edges.entries()) {
      const type = edge.mediaType === undefined ? null : this.#typeOf(edge.mediaType);
      this.#insert.edge.run(id, place, this.#ids.get(edge.to)!, KINDS.indexOf(edge.kind), type, edge.size ?? null);
    }
    this.#insert.member.run(this.#repository, id, MADE);
    if (isDead) this.#insert.queue.run(id, MADE);
    else if (tag !== undefined) this.#insert.tag.run(this.#repository, tag, id);
  }

  #typeOf(name: string): number {
    let id = this.#types.get(name);
    if (id === undefined) {
      id = this.#types.size + 1;
      this.#types.set(name, id);
      this.#insert.type.run(id, name);
    }
    return id;
  }
}

const hexOf = (digest: Digest): string => digest.slice("sha256:".length);
