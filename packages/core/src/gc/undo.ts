import type { Condemned, RemovalRun, Undone } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import { eraser } from "./apply.ts";
import type { Parts } from "./parts.ts";

export interface UndoOptions extends Signal {
  /**
   * What to do about a tag that is on something else by now: `leave` it there, and what it was on comes back as a root of
   * its own; or `take` it back. `CONFLICT` unless given.
   */
  readonly moved?: "leave" | "take" | undefined;
}

/**
 * Brings back what a removal or a collection took, all of it or nothing; the latest unless one is named.
 *
 * @throws `NOT_FOUND` if there is nothing to undo; `CONFLICT` if a tag of it is on something else by now; `MISSING_CONTENT`
 * if a part of it has been erased.
 */
export async function undo({ catalog }: Parts, run: string | undefined, o: UndoOptions = {}): Promise<Undone> {
  if (run !== undefined) return catalog.undo(run, o);
  for await (const latest of catalog.runs(o)) return catalog.undo(latest.run, o);
  throw new OciStoreError("NOT_FOUND", "nothing was removed that could be brought back");
}

export interface EmptyTrashOptions extends Signal {
  /** Of this run only. */
  readonly run?: string | undefined;
  readonly onErased?: ((erased: Condemned) => void) | undefined;
}

/**
 * Erases what waits in the trash, its time come or not, and forgets the runs: none of it can be undone any more. Each is
 * looked at again, and what is in use comes back instead. Of one run, what a manifest of another one names waits with that.
 *
 * @throws `NOT_FOUND` if the run is not there.
 */
export async function emptyTrash(parts: Parts, o: EmptyTrashOptions = {}): Promise<{ erased: number; bytes: number }> {
  const { catalog } = parts;
  const runs: RemovalRun[] = [];
  for await (const each of catalog.runs(o)) if (o.run === undefined || each.run === o.run) runs.push(each);
  if (o.run !== undefined && runs.length === 0) {
    throw new OciStoreError("NOT_FOUND", `no run ${o.run} is remembered`, { reference: o.run });
  }
  const tally = { erased: 0, bytes: 0 };
  const purge = async (run: string | undefined) => {
    const options = { signal: o.signal, run, due: Number.MAX_SAFE_INTEGER, limit: Number.POSITIVE_INFINITY };
    const { purged } = await catalog.purge(eraser(parts, o), options);
    for (const each of purged) {
      tally.erased += 1;
      tally.bytes += each.size;
      o.onErased?.(each);
    }
  };
  // All at once first: what one run took may be named by a manifest of another. Then each run is told that it has ended.
  if (o.run === undefined) await purge(undefined);
  for (const { run } of runs) await purge(run);
  return tally;
}
