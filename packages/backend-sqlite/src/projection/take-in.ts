import { type BlobStore, type Digest, isDigest, isRequired } from "@ocistore/core";
import { condemn } from "../commands/condemn.ts";
import { type Context, lose } from "../commands/context.ts";
import { Journal } from "../commands/journal.ts";
import { addMember, dropTag, nameChildren, setOwn, welcomeSubject } from "../commands/members.ts";
import { take } from "../commands/remove.ts";
import { revive } from "../commands/revive.ts";
import { noteInRun } from "../commands/run-record.ts";
import type { Records } from "./closure.ts";
import type { Entry } from "./entries.ts";
import { LAYOUT } from "./wanted.ts";

/**
 * Makes bytes known that lie in the layout: they came by another tool, or are condemned and named again. In the transaction, since
 * nobody erases anything meanwhile.
 */
async function takeInBytes(ctx: Context, blobs: BlobStore, digest: Digest): Promise<void> {
  const { tables } = ctx;
  if (!isDigest(digest) || tables.blob(digest)) return;
  const row = tables.condemned(digest);
  const stat = await blobs.stat({ digest, size: row?.size ?? 0, generation: row?.generation ?? "" });
  if (!stat || (row && !row.purging && revive(ctx, digest))) return;
  // Whoever was about to erase it looks at the mark again.
  if (row) tables.sql.dropCondemned.run(tables.id(digest));
  const since = row ? tables.now : Math.min(stat.modified, tables.now);
  tables.setBlob({ digest, size: stat.size, generation: "", since });
  tables.enqueue(digest);
}

/** Makes manifests members that are in the layout with what they name. What is not there is noted as missing from the beginning. */
export async function takeInManifests(ctx: Context, blobs: BlobStore, records: Records): Promise<void> {
  const { tables } = ctx;
  for (const { digest, edges } of records.values()) {
    await takeInBytes(ctx, blobs, digest);
    for (const { to } of edges) await takeInBytes(ctx, blobs, to);
  }
  const isHere = (digest: Digest) => tables.blob(digest) !== undefined;
  for (const record of records.values()) {
    const { digest, edges, pushed } = record;
    const located = tables.blob(digest);
    if (!located || tables.member(LAYOUT, digest)) continue;
    const absent = edges.filter((edge) => isRequired(edge) && !isHere(edge.to)).map(({ to }) => to);
    const { size, generation } = located;
    addMember(
      ctx,
      LAYOUT,
      { ...record, size, generation, pushed: Math.min(pushed, tables.now) },
      { own: false, absent },
    );
    nameChildren(ctx, LAYOUT, record);
    welcomeSubject(ctx, LAYOUT, digest);
    tables.enqueue(digest);
  }
}

/** An entry that another tool has made. Its manifest is a member by now. @returns Whether it counts. */
export function takeInEntry(ctx: Context, { digest, name }: Entry, own: boolean, before?: Digest): boolean {
  const { tables } = ctx;
  if (!tables.member(LAYOUT, digest)) return false;
  if (name === undefined) {
    const at = tables.at(LAYOUT, digest)!;
    const isExplained = tables.sql.isContent.get(at) !== undefined || tables.subjects(LAYOUT, digest).length > 0;
    if (own || (!isExplained && tables.tagsOn(LAYOUT, digest).length === 0)) setOwn(ctx, LAYOUT, digest, true);
    return true;
  }
  const present = tables.tag(LAYOUT, name);
  if (present === digest) return true;
  if (present !== undefined && present !== before) {
    // We have moved or set it since they looked. Ours stays, and theirs is not lost.
    setOwn(ctx, LAYOUT, digest, true);
    return false;
  }
  if (present !== undefined) lose(ctx, present);
  setOwn(ctx, LAYOUT, digest, false);
  const at = tables.at(LAYOUT, digest)!;
  tables.sql.setTag.run(at.repository, name, at.id);
  return true;
}

/**
 * Does to the catalog what another tool has done to the listing by taking entries out. What only they held is condemned at once, so
 * that it can be brought back for certain until then, however long ago it came.
 */
export function takeOut(ctx: Context, entries: readonly Entry[], run: string, until: number): readonly Entry[] {
  const { tables } = ctx;
  const journal = new Journal();
  const inner: Context = { ...ctx, journal };
  const out = entries.filter(({ digest, name }) => {
    if (name !== undefined) {
      // It is on something else by now, and has not gone.
      if (tables.tag(LAYOUT, name) !== digest) return false;
      dropTag(inner, LAYOUT, name, digest);
      lose(ctx, digest);
      return true;
    }
    const at = tables.at(LAYOUT, digest);
    const isMember = at && tables.member(LAYOUT, digest) && tables.tagsOn(LAYOUT, digest).length === 0;
    // What names it keeps it, listed or not.
    if (!isMember || tables.sql.isContent.get(at)) return false;
    lose(ctx, digest);
    take(inner, LAYOUT, digest);
    return true;
  });
  noteInRun(ctx, run, until, journal);

  const seen = new Set(out.map(({ digest }) => digest));
  // A set is walked in the order of its growth: whatever lived by what has gone is looked at too.
  for (const digest of seen) {
    const located = tables.blob(digest);
    if (!located) continue;
    const record = tables.anyRecord(digest);
    const around = [...(record?.edges ?? []).map(({ to }) => to), ...tables.referrers(LAYOUT, digest)];
    const { size, generation } = located;
    const second = new Journal();
    const item = { digest, size, generation, kind: record ? ("manifest" as const) : ("blob" as const) };
    const gone = condemn({ ...ctx, journal: second }, [item], { run, until });
    noteInRun(ctx, run, until, second);
    if (gone.length > 0) for (const each of around) seen.add(each);
  }
  return out;
}
