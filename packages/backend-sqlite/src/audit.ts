import {
  type BlobStore,
  type Digest,
  type Finding,
  isOciStoreError,
  type Placement,
  type Signal,
} from "@ocistore/core";
import type { IdRow, Tables } from "./tables/tables.ts";

/** So many rows are read in one go. */
const PAGE = 1000;

type Blobs = Pick<BlobStore, "stat">;

/** Rows that have lost their bytes, and rows that have lost another. Each page is of its own moment. */
export async function* audit(tables: () => Tables, blobs: Blobs, o: Signal): AsyncGenerator<Finding> {
  yield* auditBlobs(tables, blobs, o);
  yield* auditCondemned(tables, blobs, o);
  yield* auditMembers(tables, blobs, o);
  yield* auditTags(tables, o);
}

async function* auditBlobs(tables: () => Tables, blobs: Blobs, o: Signal): AsyncGenerator<Finding> {
  for (let after = 0; ; ) {
    const page = tables();
    const rows = page.sql.blobsAfter.all(after, PAGE) as (IdRow & { size: number; generation: string })[];
    for (const { id, size, generation } of rows) {
      const digest = page.digest(id);
      const stat = await statOf(blobs, { digest, size, generation }, o);
      if (stat?.size === size || !isStill(tables, digest, generation)) continue;
      const message = stat
        ? `it has ${stat.size} bytes, and the catalog says ${size}`
        : "the catalog takes it for stored, and it is not";
      yield { level: "error", code: stat ? "size" : "missing", digest, message };
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}

/** What has the name of bytes and is none, or is not ours to read, is found as that by who reads it. */
async function statOf(blobs: Blobs, place: Placement, o: Signal): Promise<{ readonly size: number } | undefined> {
  try {
    return await blobs.stat(place, o);
  } catch (error) {
    if (isOciStoreError(error, "LAYOUT_INVALID", "PERMISSION")) return place;
    throw error;
  }
}

function isStill(tables: () => Tables, digest: Digest, generation: string): boolean {
  return tables().blob(digest)?.generation === generation;
}

async function* auditCondemned(tables: () => Tables, blobs: Blobs, o: Signal): AsyncGenerator<Finding> {
  for (let after = 0; ; ) {
    const page = tables();
    const rows = page.sql.condemnedAfter.all(after, PAGE) as IdRow[];
    for (const { digest, purging, mark, run, ...place } of rows.map((row) => page.condemnedRow(row))) {
      // What is being erased may be gone.
      if (purging || (await statOf(blobs, { digest, ...place }, o))) continue;
      const now = tables().condemned(digest);
      if (now?.mark !== mark || now.purging) continue;
      const message = `run ${run} took it out of use, and its bytes are gone: that run cannot be undone`;
      yield { level: "warning", code: "missing", digest, message };
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}

async function* auditMembers(tables: () => Tables, blobs: Blobs, o: Signal): AsyncGenerator<Finding> {
  for (let after = { repository: 0, manifest: 0 }; ; ) {
    const page = tables();
    const rows = page.sql.membersAfter.all(after.repository, after.manifest, PAGE) as (typeof after)[];
    for (const { repository: at, manifest: id } of rows) {
      const about = { repository: page.repositoryName(at), digest: page.digest(id) };
      if (!page.blob(about.digest)) {
        if (tables().blob(about.digest) || !tables().member(about.repository, about.digest)) continue;
        const isThere = await statOf(blobs, { digest: about.digest, size: 0, generation: "" }, o);
        const code = isThere ? "unrecorded" : "missing";
        const message = "the catalog has a manifest of which it does not know the bytes";
        yield { level: "error", code, ...about, message };
      } else if (lacksReferrer(page, at, about.digest, id)) {
        yield { level: "error", code: "edges", ...about, message: "the catalog does not list it as a referrer" };
      }
      for (const child of strangersIn(page, about)) {
        if (strangersIn(tables(), about).includes(child)) yield stranger(about, child);
      }
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}

interface At {
  readonly repository: string;
  readonly digest: Digest;
}

/** Children that are stored, and no manifests here: nobody who pushes in this order gets there. */
function strangersIn(tables: Tables, { repository, digest }: At): Digest[] {
  const edges = tables.record(repository, digest)?.edges ?? [];
  const children = edges.filter(({ kind, optional }) => kind === "manifest" && !optional).map(({ to }) => to);
  return children.filter((to) => tables.blob(to) && !tables.member(repository, to));
}

function stranger({ repository, digest: namedBy }: At, digest: Digest): Finding {
  const message = "the catalog does not know that it is a manifest";
  return { level: "error", code: "unrecorded", repository, digest, namedBy, message };
}

function lacksReferrer(tables: Tables, repository: number, digest: Digest, id: number): boolean {
  const subjects = tables.edges(digest).filter(({ kind }) => kind === "subject");
  return subjects.some(({ to }) => !tables.sql.isListedReferrer.get(repository, tables.id(to), id));
}

async function* auditTags(tables: () => Tables, o: Signal): AsyncGenerator<Finding> {
  for (let after = { repository: 0, name: "" }; ; ) {
    o.signal?.throwIfAborted();
    const page = tables();
    const rows = page.sql.allTags.all(after.repository, after.name, PAGE) as (typeof after & IdRow)[];
    for (const { repository: at, name, id } of rows) {
      const about = { repository: page.repositoryName(at), digest: page.digest(id), namedBy: `tag ${name}` };
      if (page.member(about.repository, about.digest)) continue;
      const now = tables();
      if (now.tag(about.repository, name) !== about.digest || now.member(about.repository, about.digest)) continue;
      const message = `tag ${name} is on a manifest that the catalog does not know`;
      yield { level: "error", code: "dangling", ...about, message };
    }
    if (rows.length < PAGE) return;
    after = rows.at(-1)!;
  }
}
