import type { Digest, Ms, PurgeOptions } from "@ocistore/core";
import type { CondemnedRow } from "../tables/tables.ts";
import { mustHoldLease } from "./condemn.ts";
import { type Context, graphOf } from "./context.ts";
import { revive } from "./revive.ts";

/** A run that is no older may be about to condemn what it has removed. */
const UNDER_WAY: Ms = 60 * 60_000;

/** How far a pass over the condemned has come: manifests first, and of those what came last. */
export interface Position {
  readonly isManifest: number;
  readonly id: number;
}

export const START: Position = { isManifest: 2, id: 0 };

/** How many are looked at in one transaction. */
const ROUND = 16;

export interface Marked {
  readonly marked: readonly CondemnedRow[];
  readonly revived: readonly Digest[];
  /** Where to go on; absent at the end of the pass. */
  readonly next?: Position | undefined;
}

/**
 * Marks what may be erased now, a part of a pass at a time: due, and named by no manifest that is itself condemned and not
 * yet gone. So a manifest is always gone before what it names, whatever dies in between. Each is looked at a second time
 * first: what has become referenced since it was condemned comes back instead.
 */
export function markPurging(ctx: Context, request: PurgeOptions, from: Position): Marked {
  const { tables } = ctx;
  const { sql } = tables;
  mustHoldLease(ctx, request.epoch);
  const { due, run = null, limit } = request;
  const revived: Digest[] = [];
  if (from === START) {
    const isAnything = run === null || sql.isDue.get({ due, run }) !== undefined;
    if (isAnything) revived.push(...secondLook(ctx, tables.digests(sql.condemnedInQueue.all())));
    sweep(ctx, request);
  }
  const rows = sql.due.all({ ...from, due, run, limit: Math.min(ROUND, limit) }) as {
    is_manifest: number;
    id: number;
  }[];
  const digests = tables.digests(rows);
  revived.push(...secondLook(ctx, digests));
  const marked: CondemnedRow[] = [];
  for (const digest of digests) {
    const row = tables.condemned(digest);
    if (!row || sql.isNamedByCondemned.get(tables.id(digest))) continue;
    sql.setPurging.run(tables.id(digest));
    marked.push(row);
  }
  if (marked.length > 0) tables.setSetting("purges", String(Number(tables.setting("purges") ?? 0) + 1));
  const last = rows.at(-1);
  return { marked, revived, ...(last && { next: { isManifest: last.is_manifest, id: last.id } }) };
}

function secondLook(ctx: Context, digests: readonly Digest[]): Digest[] {
  const { tables } = ctx;
  const revived: Digest[] = [];
  for (const digest of digests) {
    // What another one has brought back with it need not be looked at again.
    if (!tables.condemned(digest)) continue;
    if (graphOf(ctx).bytesAreLive(digest) && revive(ctx, digest)) revived.push(digest);
    else tables.sql.dequeue.run(tables.id(digest));
  }
  return revived;
}

/** Those of the marked that are marked still, with the very same mark: between two transactions anything may have happened. */
export function stillMarked({ tables }: Context, marked: readonly CondemnedRow[]): CondemnedRow[] {
  return marked.filter(({ digest, mark }) => {
    const present = tables.condemned(digest);
    return present?.purging === true && present.mark === mark;
  });
}

/** Forgets what has been erased. */
export function dropPurged(ctx: Context, marked: readonly CondemnedRow[], gone: ReadonlySet<Digest>): CondemnedRow[] {
  const { tables } = ctx;
  const dropped = stillMarked(ctx, marked).filter(({ digest }) => gone.has(digest));
  for (const { digest } of dropped) {
    const id = tables.id(digest);
    tables.sql.dropCondemned.run(id);
    tables.sql.dequeue.run(id);
    tables.dropManifest(digest);
  }
  return dropped;
}

/** Forgets what nobody needs any more: claims that have run out, and runs of which nothing is left to undo. */
function sweep({ tables }: Context, { due, run }: PurgeOptions): void {
  const { sql, now } = tables;
  sql.dropOwnersUntil.run(now);
  const over = { until: Math.max(now, due), ending: run ?? null, before: now - UNDER_WAY };
  for (const row of sql.runsOver.all(over) as { run: string }[]) sql.dropRun.run(row.run);
}
