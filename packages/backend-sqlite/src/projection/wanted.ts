import { type Digest, type Listed, type ListedManifest, manifestNode } from "@ocistore/core";
import type { Context } from "../commands/context.ts";
import { TablesGraph } from "../graph/tables-graph.ts";
import type { IdRow, Tables } from "../tables/tables.ts";
import { entryOf } from "./entries.ts";

/** The repository that an image layout is. */
export const LAYOUT = "";

/** So many tags are read in one go. */
const PAGE = 1000;

interface ShownRow extends IdRow {
  readonly name: string;
  readonly digest: Uint8Array;
  readonly size: number | null;
  readonly media_type: number;
  readonly artifact_type: number | null;
}

/**
 * What a listing has to show of the tables: every tag, every root of its own, every referrer of what is stored, since that is how
 * others find them. What another tool has listed besides stays for as long as it lives.
 *
 * @param file What is listed now.
 * @param aside Entries of it that nobody here could take in.
 */
export function wantedOf(tables: Tables, file: Listed, aside: readonly string[]): Listed {
  const steps = wanting(tables, file, aside);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The same, and the rest of this process goes on meanwhile: it may be much. */
export async function wantedInTime(ctx: Context, file: Listed, aside: readonly string[]): Promise<Listed> {
  const steps = wanting(ctx.tables, file, aside);
  let step = steps.next();
  while (!step.done) {
    await ctx.pause();
    step = steps.next();
  }
  return step.value;
}

function* wanting(tables: Tables, file: Listed, aside: readonly string[]): Generator<undefined, Listed> {
  const { sql } = tables;
  const tags = new Map<string, Digest>();
  const manifests = new Map<Digest, ListedManifest>();
  const repository = tables.repositoryId(LAYOUT);
  if (repository === undefined) return { tags, manifests };
  // No session is a reason for an entry: it ends, and nobody would take the entry out.
  const graph = new TablesGraph(tables, { unclaimed: true });
  const list = (digest: Digest, own?: true) => {
    const record = tables.anyRecord(digest);
    if (!record) return;
    const { mediaType, size, artifactType } = record;
    manifests.set(digest, { mediaType, size, artifactType, own });
  };

  for (let after = ""; ; ) {
    yield;
    const rows = sql.shownAfter.all(repository, after, PAGE) as ShownRow[];
    for (const { name, id, digest: bytes, size, media_type, artifact_type } of rows) {
      const digest = tables.known(id, bytes);
      // One that is no name, but finds a referrer, goes with what it is named after.
      tags.set(name, digest);
      if (size === null) continue;
      const mediaType = tables.type(media_type)!;
      manifests.set(digest, { mediaType, size, artifactType: tables.type(artifact_type), own: undefined });
    }
    if (rows.length < PAGE) break;
    after = rows.at(-1)!.name;
  }
  for (const digest of tables.digests(sql.ownMembers.all(repository))) {
    yield;
    const isNamed = sql.isContent.get({ repository, id: tables.id(digest) }) !== undefined;
    // By itself an entry says that it is a root only if nothing explains it.
    const needsMark = isNamed || tables.subjects(LAYOUT, digest).length > 0;
    list(digest, needsMark ? true : undefined);
  }
  const stays = (digest: Digest) =>
    !manifests.has(digest) && tables.member(LAYOUT, digest) && graph.isLive(manifestNode(LAYOUT, digest));
  for (const digest of [...tables.digests(sql.referring.all(repository)), ...file.manifests.keys()]) {
    yield;
    if (stays(digest)) list(digest);
  }

  for (const { digest, name } of aside.map(entryOf)) {
    const listed = file.manifests.get(digest);
    if (!listed) continue;
    if (!manifests.has(digest)) manifests.set(digest, listed);
    if (name !== undefined && !tags.has(name)) tags.set(name, digest);
  }
  return { tags, manifests };
}
