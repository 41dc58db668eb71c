import {
  type BlobStore,
  type Catalog,
  type Digest,
  type Environment,
  type GraphReader,
  isRequired,
  type Listing,
  OciStoreError,
  type Root,
  type Signal,
  systemEnvironment,
} from "@ocistore/core";
import { addMember } from "./commands/members.ts";
import { connectToWrite, flushLog } from "./connection.ts";
import type { Connect } from "./database.ts";
import { addListing, adopt } from "./projection/record.ts";
import { LAYOUT } from "./projection/wanted.ts";
import { inLots } from "./rebuild/lots.ts";
import { prepared } from "./tables/statements.ts";
import { Tables } from "./tables/tables.ts";
import { Transactions } from "./transactions.ts";

export interface IndexLayoutOptions extends Signal {
  /** Opens the file that is to become the catalog, which must be empty or absent. */
  readonly connect: Connect;
  /** The layout as it is without a catalog. Nobody of ours may change it meanwhile. */
  readonly plain: Catalog;
  readonly blobs: BlobStore;
  readonly listing: Listing;
  readonly env?: Environment | undefined;
  readonly onProgress?: ((done: IndexedLayout) => void) | undefined;
}

export interface IndexedLayout {
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
}

/**
 * Writes down what a plain layout is: each blob, each manifest and what it names, what is tagged, pinned and a root of its own, who the
 * store is and its policy, and since when each is there. The file is whole once this resolves, and of no use before.
 *
 * @throws `CORRUPT` and the like if a manifest in it cannot be read: it may name anything.
 */
export async function indexLayout(o: IndexLayoutOptions): Promise<IndexedLayout> {
  const env = o.env ?? systemEnvironment;
  const db = await connectToWrite(o.connect, env);
  try {
    const transactions = new Transactions(db, env);
    const statements = prepared(db);
    const write = <T>(command: (tables: Tables) => T) =>
      transactions.write(o, () => command(new Tables(statements, env.now())));
    const done = await fill(write, o);
    flushLog(db);
    return done;
  } finally {
    db.close();
  }
}

type Write = <T>(command: (tables: Tables) => T) => Promise<T>;

async function fill(write: Write, { plain, blobs, listing, onProgress, ...o }: IndexLayoutOptions) {
  const identity = await plain.identity(o);
  const { foreign, ...policy } = await plain.policy(o);
  await write((tables) => {
    if (tables.setting("identity")) throw new OciStoreError("ALREADY_EXISTS", "there is a catalog already");
    tables.setSetting("identity", identity);
    tables.setSetting("policy", JSON.stringify({ ...policy, ...(foreign && { foreign }) }));
    addListing(tables);
  });
  const done = { blobs: 0, manifests: 0, tags: 0 };
  const file = await listing.read(o);
  const graph = await plain.graph(o);
  for await (const { error } of graph.unreadable(o)) throw error;

  await inLots(blobs.list(o), async (lot) => {
    await write((tables) => {
      for (const located of lot) {
        tables.setBlob(located);
        // Everything is looked at once; what something keeps is no candidate after that.
        tables.enqueue(located.digest);
      }
    });
    done.blobs += lot.length;
    onProgress?.(done);
  });
  const own = await ownRoots(graph, o);
  await inLots(graph.manifests(o), async (lot) => {
    const since = new Map<Digest, number>();
    for (const { digest } of lot) {
      const located = await graph.locate(undefined, digest, o);
      if (located) since.set(digest, located.since);
    }
    await write((tables) => {
      for (const { digest, record } of lot) {
        const located = tables.blob(digest);
        if (!located) continue;
        const { edges } = record;
        const absent = edges.filter((edge) => isRequired(edge) && !tables.blob(edge.to)).map(({ to }) => to);
        addMember({ tables }, LAYOUT, record, { own: own.has(digest), absent });
        // A loss that is only written down begins its grace as well.
        const later = since.get(digest);
        if (later === undefined || later <= located.since) continue;
        tables.setBlob({ ...located, since: later });
        tables.enqueue(digest);
      }
    });
    done.manifests += lot.length;
    onProgress?.(done);
  });
  await inLots(plain.tags(LAYOUT, o), async (lot) => {
    await write((tables) => {
      for (const { name, digest } of lot) {
        const at = tables.at(LAYOUT, digest);
        if (at && tables.member(LAYOUT, digest)) tables.sql.setTag.run(at.repository, name, at.id);
      }
    });
    done.tags += lot.length;
  });
  await inLots(plain.pins(LAYOUT, o), async (lot) => {
    await write((tables) => {
      const repository = tables.repositoryIdFor(LAYOUT);
      for (const { name, digest, until } of lot) {
        tables.sql.setPin.run(repository, name, tables.idFor(digest), until ?? null);
      }
    });
  });
  // Whoever has written to it meanwhile has done so to this one.
  await write((tables) => {
    const aside = [...file.manifests.keys()].filter((digest) => !tables.member(LAYOUT, digest));
    const named = [...file.tags].filter(([, digest]) => aside.includes(digest));
    const keys = [...named.map(([name, digest]) => `${digest} ${name}`), ...aside];
    const [fault] = file.faults;
    adopt(tables, file, keys, fault);
  });
  return done;
}

async function ownRoots(graph: GraphReader, o: Signal): Promise<ReadonlySet<Digest>> {
  const own = new Set<Digest>();
  const isOwn = ({ why }: Root) => why === "own";
  for await (const root of graph.allRoots(o)) if (isOwn(root)) own.add(root.digest);
  return own;
}
