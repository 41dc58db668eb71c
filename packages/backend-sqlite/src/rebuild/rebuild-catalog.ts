import {
  type BlobStore,
  type Catalog,
  type Digest,
  type Environment,
  type Located,
  OciStoreError,
  type Signal,
  systemEnvironment,
} from "@ocistore/core";
import { connectToWrite, flushLog, giveBack, takeOver } from "../connection.ts";
import type { Database } from "../database.ts";
import { LAYOUT } from "../projection/wanted.ts";
import { prepared } from "../tables/statements.ts";
import { Tables } from "../tables/tables.ts";
import { Transactions } from "../transactions.ts";
import { copyListing, copyRecord, type Losses } from "./copy-rows.ts";
import { inLots } from "./lots.ts";
import { type Mending, mendManifests, takeInTags } from "./manifests.ts";

export interface RebuildOptions extends Signal {
  /** Opens a database at a path. */
  connect(path: string): Database;
  /** Where the catalog lies that is to be made anew. */
  readonly catalogPath: string;
  /** Has `make` write another catalog at the path that it is told, which then takes its place; with `keep` the old one is kept aside. */
  replace<T extends { readonly keep: boolean }>(make: (path: string) => Promise<T>, o?: Signal): Promise<T>;
  /** The layout as it would be without a catalog: who the store is, and its policy, if the catalog does not say it any more. */
  readonly plain: Pick<Catalog, "identity" | "policy" | "pins">;
  readonly blobs: BlobStore;
  readonly env?: Environment | undefined;
  readonly onProgress?: ((done: { readonly blobs: number; readonly manifests: number }) => void) | undefined;
}

export interface RebuiltCatalog {
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
  /**
   * What could not be read in the old one, table by table; `everything` if it was no database any more. What index.json lists is taken in
   * from there when the catalog is opened, and the grace of all content begins anew.
   */
  readonly lost: readonly string[];
}

/**
 * Makes the catalog beside a layout anew: from the one that is there, as far as that can be read, and from what is stored. Kept is all that
 * only a catalog knows: who the store is and its policy, when everything came, tags, pins, what sessions hold, and what was taken out and can
 * be brought back. Rows of blobs that are not stored go, what is stored gets its row, and what a manifest names is read in its bytes.
 *
 * Nobody has the old one from the beginning on; whoever dies leaves one that nobody opens, and the same again goes on.
 *
 * @throws `LOCKED` while somebody has the catalog open; `UNSUPPORTED` if a newer ocistore has written it.
 */
export async function rebuildCatalog(o: RebuildOptions): Promise<RebuiltCatalog> {
  const env = o.env ?? systemEnvironment;
  let old: Database | undefined;
  try {
    const { keep: _, ...done } = await o.replace(async (path) => {
      // Which says too whether this SQLite will do, and this disk.
      const db = await connectToWrite(() => o.connect(path), env);
      try {
        old = await takeOver(() => o.connect(o.catalogPath), env);
        const made = await fill(db, old, { ...o, env });
        flushLog(db);
        return { ...made, keep: made.lost.length > 0 };
      } finally {
        db.close();
      }
    }, o);
    return done;
  } catch (error) {
    if (old) giveBack(old);
    throw error;
  } finally {
    old?.close();
  }
}

async function fill(
  db: Database,
  old: Database | undefined,
  o: RebuildOptions & { readonly env: Environment },
): Promise<RebuiltCatalog> {
  const { env, blobs, signal, onProgress } = o;
  const transactions = new Transactions(db, env);
  const statements = prepared(db);
  const write = <T>(command: (tables: Tables) => T | Promise<T>) =>
    transactions.write({ signal }, () => command(new Tables(statements, env.now())));
  const copying = (work: () => void) => write(work);

  const losses: Losses = old ? await copyRecord(old, db, copying) : { tables: new Set(["everything"]), tags: [] };
  const isLost = losses.tables.size > 0;
  await settle(write, o, isLost);
  const done = { blobs: 0, manifests: 0 };
  const mending: Mending = { write, blobs, signal, env };

  await inLots(blobs.list(o), async (lot) => {
    await write((tables) => {
      for (const located of lot) record(tables, located, isLost);
    });
    done.blobs += lot.length;
    onProgress?.(done);
  });
  await dropAbsent(mending, statements);
  await mendManifests(mending, () => {
    done.manifests += 1;
    onProgress?.(done);
  });
  await takeInTags(mending, losses.tags);
  if (old && !isLost) {
    if (!(await copyListing(old, db, copying)))
      throw new OciStoreError("CORRUPT", "what the catalog knows of index.json");
    // Whatever is different now is to be shown.
    await write(({ sql }) => void sql.unsetWritten.run());
  }
  const { tags } = db.prepare("SELECT count(*) AS tags FROM tags").get() as { tags: number };
  return { ...done, tags, lost: [...losses.tables].sort() };
}

type Write = <T>(command: (tables: Tables) => T | Promise<T>) => Promise<T>;

/** Who the store is, its policy and its pins, where the old catalog does not say it: as they were when it was made. */
async function settle(
  write: Write,
  { plain, ...o }: RebuildOptions & { readonly env: Environment },
  isLost: boolean,
): Promise<void> {
  const isKnown = await write(
    (tables) => tables.setting("identity") !== undefined && tables.setting("policy") !== undefined,
  );
  if (!isKnown) {
    const identity = await plain.identity(o);
    const policy = await plain.policy(o);
    const pins: { name: string; digest: Digest; until?: number | undefined }[] = [];
    for await (const pin of plain.pins(LAYOUT, o)) pins.push(pin);
    await write((tables) => {
      tables.setSetting("identity", identity);
      tables.setSetting("policy", JSON.stringify(policy));
      const repository = tables.repositoryIdFor(LAYOUT);
      for (const { name, digest, until } of pins)
        tables.sql.setPin.run(repository, name, tables.idFor(digest), until ?? null);
    });
  }
  if (!isLost) return;
  await write((tables) => {
    // Higher than any that was given, so that who has one of the old ones is fenced off.
    for (const key of ["marks", "purges"]) tables.setSetting(key, String(tables.now));
    tables.sql.setLease.run("collect", tables.now, tables.now);
  });
}

/** What is stored has a row, of the size that it has, and is looked at. If it is not known what held it, its grace begins now. */
function record(tables: Tables, { digest, size, since }: Located, isLost: boolean): void {
  if (tables.condemned(digest)) return;
  const row = tables.blob(digest);
  const arrived = isLost ? tables.now : (row?.since ?? since);
  if (row?.size !== size || row.since !== arrived) tables.setBlob({ digest, size, generation: "", since: arrived });
  tables.enqueue(digest);
}

/** Rows whose bytes are gone. A manifest keeps its own, and what it names by that, until somebody brings it or gives it up. */
async function dropAbsent({ write, blobs, signal }: Mending, sql: ReturnType<typeof prepared>): Promise<void> {
  for (const isCondemned of [false, true]) {
    const statement = isCondemned ? sql.condemnedAfter : sql.blobsAfter;
    for (let after = 0; ; ) {
      const rows = statement.all(after, 1000) as { id: number; size: number; generation: string }[];
      const absent: Digest[] = [];
      for (const { id, size, generation } of rows) {
        const digest = await write((tables) => tables.digest(id));
        if (!(await blobs.stat({ digest, size, generation }, { signal }))) absent.push(digest);
      }
      await write((tables) => {
        for (const digest of absent) drop(tables, digest, isCondemned);
      });
      if (rows.length < 1000) break;
      after = rows.at(-1)!.id;
    }
  }
}

function drop(tables: Tables, digest: Digest, isCondemned: boolean): void {
  const id = tables.id(digest);
  if (isCondemned) {
    tables.sql.dropCondemned.run(id);
    tables.dropManifest(digest);
  } else if (tables.sql.membersOf.get(id)) return;
  else tables.dropBlob(digest);
  tables.sql.dequeue.run(id);
}
