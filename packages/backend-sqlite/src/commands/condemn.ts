import { bytesNode, type CondemnItem, type CondemnOptions, type Digest, refusals } from "@ocistore/core";
import { type Context, graphOf } from "./context.ts";
import { take } from "./remove.ts";
import { memberText } from "./revive.ts";

/** The only way out of use, and it looks for itself: whatever the caller found out earlier may have changed since. */
export function condemn(ctx: Context, items: readonly CondemnItem[], request: CondemnOptions): readonly Digest[] {
  mustHoldLease(ctx, request.epoch);
  const condemned = items.filter((item) => condemnOne(ctx, item, request)).map(({ digest }) => digest);
  if (condemned.length > 0) ctx.tables.sql.setRun.run(request.run, ctx.tables.now, request.until);
  return condemned;
}

function condemnOne(ctx: Context, item: CondemnItem, { run, until, before }: CondemnOptions): boolean {
  const { tables } = ctx;
  const { sql } = tables;
  const { digest, size, generation, kind } = item;
  if (tables.condemned(digest)) return false;
  const located = tables.blob(digest);
  if (located && located.generation !== generation) return false;
  if (before !== undefined && located && located.since > before) return false;
  // Of its own moment: taking the one before out of its repository has changed the graph.
  if (graphOf(ctx, before).isLive(bytesNode(digest))) return false;

  // What the catalog has never heard of is taken in.
  const id = tables.idFor(digest);
  const readers = sql.takenBy.all({ run, id }) as { repository: number; member: string | null }[];
  for (const { repository } of sql.membersOf.all(id) as { repository: number }[]) {
    const name = tables.repositoryName(repository);
    readers.push({ repository, member: memberText(tables.member(name, digest)) });
    take(ctx, name, digest);
  }
  const mark = Number(tables.setting("marks") ?? 0) + 1;
  tables.setSetting("marks", String(mark));
  // One that went out of its repository before, by a collection that was limited, is a manifest still.
  const isManifest = kind === "manifest" || sql.manifest.get(id) !== undefined ? 1 : 0;
  sql.addCondemned.run({ id, size, generation, isManifest, run, until, mark });
  for (const { repository, member } of readers) sql.addReader.run(id, repository, member);
  tables.dropBlob(digest);
  sql.dequeue.run(id);
  // What it named may have lived by it, in its bytes at least.
  for (const target of tables.digests(sql.targets.all(id))) tables.enqueue(target);
  return true;
}

/** R24: a collector that slept while another took over decides nothing any more. */
export function mustHoldLease({ tables }: Context, epoch: number | undefined): void {
  if (epoch === undefined) return;
  const row = tables.sql.lease.get("collect") as { epoch: number } | undefined;
  if (row?.epoch !== epoch) throw refusals.takenOver();
}
