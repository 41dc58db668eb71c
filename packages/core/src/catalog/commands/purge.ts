import type { PurgeOptions } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import { inWaves } from "../../contract/waves.ts";
import type { Digest } from "../../model/digest.ts";
import type { CondemnedRow } from "../state.ts";
import { mustHoldLease } from "./condemn.ts";
import { type Context, edgesOf, graphAgain } from "./context.ts";
import { refuseWhileFaulty } from "./remove.ts";
import { revive } from "./revive.ts";

interface PurgeRequest extends PurgeOptions {
  /** All that is condemned has been looked at twice under this lock, and nobody has changed the document since. */
  readonly isLookedAt: boolean;
}

export interface PurgeRound {
  readonly marked: readonly CondemnedRow[];
  readonly revived: readonly Digest[];
  /** All that is condemned now has been found dead once more. */
  readonly isLookedAt: boolean;
}

/**
 * Marks what may be erased now: due, and named by no manifest that is itself condemned and not yet gone. So a manifest is
 * always gone before what it names, whatever dies in between. Looks a second time first: what has become referenced since
 * it was condemned (a foreign tool honours no lock) comes back instead.
 */
export async function markPurging(ctx: Context, request: PurgeRequest): Promise<PurgeRound> {
  const { draft } = ctx;
  const { due, limit, run } = request;
  mustHoldLease(ctx, request.epoch);
  const isDue = (row: CondemnedRow) => row.until <= due && (run === undefined || row.run === run);
  const rows = [...draft.condemned.values()];
  // What belongs to no run in particular is looked at whether due or not: what is named again is missed until it is back.
  if (!(run === undefined ? rows.length > 0 : rows.some(isDue))) {
    sweep(ctx, request);
    return { marked: [], revived: [], isLookedAt: false };
  }
  refuseWhileFaulty(ctx);

  const revived: Digest[] = [];
  if (!request.isLookedAt) {
    const graph = await graphAgain(ctx);
    if (graph.liveUnreadable().length > 0) return { marked: [], revived: [], isLookedAt: false };
    for (const [digest] of [...draft.condemned]) {
      if (graph.bytesAreLive(digest) && (await revive(ctx, digest))) revived.push(digest);
    }
  }
  sweep(ctx, request);

  const named = new Set<Digest>();
  const manifests = [...draft.condemned.values()].filter(({ kind }) => kind === "manifest");
  for (const edges of await inWaves(manifests, ({ digest }) => edgesOf(ctx, "", digest), sizeOf)) {
    for (const edge of edges) if (edge.kind !== "subject") named.add(edge.to);
  }
  const marked: CondemnedRow[] = [];
  for (const [digest, row] of [...draft.condemned]) {
    if (marked.length === limit) break;
    if (!isDue(row) || named.has(digest)) continue;
    const purging = { ...row, purging: true };
    draft.condemned.set(digest, purging);
    marked.push(purging);
  }
  return { marked, revived, isLookedAt: true };
}

const sizeOf = ({ size }: CondemnedRow) => size;

/**
 * Forgets what has been erased. Where being in the trash is the mark, erasing was forgetting; and a mark that is another one
 * by now belongs to somebody else.
 */
export function dropPurged(
  { draft }: Context,
  marked: readonly CondemnedRow[],
  gone: ReadonlySet<Digest>,
): CondemnedRow[] {
  const dropped: CondemnedRow[] = [];
  for (const row of marked) {
    if (!gone.has(row.digest)) continue;
    const present = draft.condemned.get(row.digest);
    if (present && present.id !== row.id) continue;
    draft.lost.delete(row.digest);
    if (present) {
      draft.condemned.delete(row.digest);
      draft.records.delete(row.digest);
    }
    dropped.push(row);
  }
  return dropped;
}

/** However short the grace of the policy, a collection may be asked for a longer one. */
const REMEMBER_LOSS: Ms = 7 * 24 * 60 * 60_000;

/** A run that is no older may be about to condemn what it has removed. */
const UNDER_WAY: Ms = 60 * 60_000;

/** Forgets what nobody needs any more: claims that have run out, old losses, and runs of which nothing is left to undo. */
function sweep({ draft, now }: Context, { due, run: ending }: PurgeOptions): void {
  for (const [digest, at] of [...draft.lost]) {
    if (at + Math.max(REMEMBER_LOSS, draft.base.policy.grace) <= now) draft.lost.delete(digest);
  }
  for (const [owner, { until }] of [...draft.claims]) {
    if (until <= now) draft.claims.delete(owner);
  }
  const runs = new Set([...draft.condemned.values()].map(({ run }) => run));
  for (const [run, { at, until }] of [...draft.runs]) {
    const isOver = until <= Math.max(now, due) && (run === ending || at + UNDER_WAY <= now);
    if (isOver && !runs.has(run)) draft.runs.delete(run);
  }
}
