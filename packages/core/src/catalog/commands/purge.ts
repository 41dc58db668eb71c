import type { Ms } from "../../contract/environment.ts";
import type { Digest } from "../../model/digest.ts";
import type { CondemnedRow } from "../state.ts";
import { mustHoldLease } from "./condemn.ts";
import { type Context, edgesOf, graphOf } from "./context.ts";
import { refuseWhileFaulty } from "./remove.ts";
import { revive } from "./revive.ts";

export interface PurgeRequest {
  readonly due: Ms;
  readonly limit: number;
  readonly epoch?: number | undefined;
  readonly run?: string | undefined;
}

/**
 * Marks what may be erased now: due, and named by no manifest that is itself condemned and not yet gone. So a manifest is
 * always gone before what it names, whatever dies in between. Looks a second time first: what has become referenced since
 * it was condemned (a foreign tool honours no lock) comes back instead.
 */
export async function markPurging(
  ctx: Context,
  request: PurgeRequest,
): Promise<{ readonly marked: readonly CondemnedRow[]; readonly revived: readonly Digest[] }> {
  const { draft } = ctx;
  const { due, limit, run } = request;
  mustHoldLease(ctx, request.epoch);
  sweep(ctx);
  const isDue = (row: CondemnedRow) => row.until <= due && (run === undefined || row.run === run);
  if (![...draft.condemned.values()].some(isDue)) return { marked: [], revived: [] };
  refuseWhileFaulty(ctx);

  const graph = await graphOf(ctx);
  if (graph.liveUnreadable().length > 0) return { marked: [], revived: [] };
  const revived: Digest[] = [];
  for (const [digest] of [...draft.condemned]) {
    if (graph.bytesAreLive(digest) && (await revive(ctx, digest))) revived.push(digest);
  }

  const named = new Set<Digest>();
  for (const { digest, kind } of draft.condemned.values()) {
    const edges = kind === "manifest" ? await edgesOf(ctx, "", digest) : [];
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
  return { marked, revived };
}

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
    if (present) {
      draft.condemned.delete(row.digest);
      draft.records.delete(row.digest);
    }
    dropped.push(row);
  }
  return dropped;
}

/** Forgets what nobody needs any more: claims that have run out, and runs of which nothing is left to undo. */
function sweep({ draft, now }: Context): void {
  for (const [owner, { until }] of [...draft.claims]) {
    if (until <= now) draft.claims.delete(owner);
  }
  const runs = new Set([...draft.condemned.values()].map(({ run }) => run));
  for (const [run, { until }] of [...draft.runs]) {
    if (until <= now && !runs.has(run)) draft.runs.delete(run);
  }
}
