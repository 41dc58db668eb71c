import type { Condemned, Erase } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import type { Ms, Signal } from "../contract/environment.ts";
import { inWaves } from "../contract/waves.ts";
import { OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import { renewLease } from "./lease.ts";
import type { Parts } from "./parts.ts";
import type { Plan, PlanItem } from "./plan.ts";

/** What happened to an item: its bytes are gone; they are out of use and will go; they are in use again, or too young. */
export interface Outcome extends PlanItem {
  readonly outcome: "removed" | "condemned" | "skipped";
}

export interface Receipt {
  /** The run, for `undo`. */
  readonly run: string;
  readonly removed: number;
  /** Bytes that are gone. */
  readonly bytes: number;
  readonly condemned: number;
  readonly skipped: number;
}

export interface ApplyOptions extends Signal {
  /** Told of each item as it is dealt with. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  readonly epoch?: number | undefined;
  /** Stop after so long, between two lots; the rest is skipped, and stays garbage. */
  readonly maxTime?: Ms | undefined;
}

/** Items go in lots of this many, so that no critical section grows with the garbage. */
const LOT = 5000;
/** The same where a catalog keeps no edges, since each lot costs it a look at every manifest. */
const WIDE_LOT = 10_000;
/**
 * The steps of a collection, each of which is skipped if it does not apply any more, need not be one change. In a database, where
 * a change costs what is in it, others get in between.
 */
const FEW = 25;
/** The same where time is short, since it is looked at between two lots only. */
const SHORT_LOT = 200;

/**
 * Does what a plan says, and nothing that it does not say. Every item is looked at again; what is live by now, or is not
 * the copy that was planned, is skipped. Interrupted, it leaves garbage at most, and may be applied again.
 *
 * @throws `CONFLICT` if the plan is another store's, or a tag that it removes has moved.
 */
export async function applyPlan(parts: Parts, { header, items }: Plan, o: ApplyOptions = {}): Promise<Receipt> {
  const { catalog, env } = parts;
  if (header.store !== (await catalog.identity(o))) {
    throw new OciStoreError("CONFLICT", "this plan was made for another store");
  }
  const run = header.id;
  // For ever is a time too, and one that the next process can read.
  const until: Ms = Math.min(env.now() + checkedTime(header.hold, "hold"), Number.MAX_SAFE_INTEGER);
  for (const { repository, steps } of header.changes) {
    for (const lot of lotsOf(steps, catalog.capabilities.queue && header.kind === "collect" ? FEW : steps.length)) {
      await catalog.change(repository, lot, { ...o, run, until, before: header.before });
    }
  }
  const tally = { removed: 0, bytes: 0, condemned: 0, skipped: 0 };
  const tell = (item: PlanItem, outcome: Outcome["outcome"]) => {
    tally[outcome] += 1;
    if (outcome === "removed") tally.bytes += item.size;
    o.onOutcome?.({ ...item, outcome });
  };

  const end = o.maxTime === undefined ? Number.POSITIVE_INFINITY : env.now() + checkedTime(o.maxTime, "maxTime");
  const lotSize = catalog.capabilities.edges ? LOT : WIDE_LOT;
  const most = o.maxTime === undefined ? lotSize : SHORT_LOT;
  for (let at = 0; at < items.length; at += most) {
    if (env.now() >= end) {
      for (const item of items.slice(at)) tell(item, "skipped");
      break;
    }
    await renewLease(parts, o.epoch, o);
    const lot: PlanItem[] = [];
    const wanted = items.slice(at, at + most);
    const areThere = await inWaves(wanted, (item) => isThere(parts, item, o));
    for (const [place, item] of wanted.entries()) {
      if (areThere[place]) lot.push(item);
      else tell(item, "skipped");
    }
    const { before } = header;
    const condemned = new Set(await catalog.condemn(lot, { ...o, run, until, before }));
    const waiting = new Map<Digest, PlanItem>();
    for (const item of lot) {
      if (condemned.has(item.digest)) waiting.set(item.digest, item);
      else tell(item, "skipped");
    }
    if (header.hold <= 0) {
      for (const { digest } of await purgeRun(parts, run, o)) {
        const item = waiting.get(digest);
        if (item) tell(item, "removed");
        waiting.delete(digest);
      }
    }
    for (const item of waiting.values()) tell(item, "condemned");
  }
  // Once more, for the record of the run: with nothing left of it, nobody can undo it.
  if (header.hold <= 0) await purgeRun(parts, run, o);
  return { run, ...tally };
}

function* lotsOf<T>(list: readonly T[], most: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += most) yield list.slice(at, at + most);
}

/** What has gone since the plan was made is not removed again. A catalog need not know all that lies in the store. */
async function isThere({ catalog, blobs }: Parts, item: PlanItem, o: Signal): Promise<boolean> {
  return (await blobs.stat(item, o)) !== undefined || (await catalog.locate(undefined, item.digest, o)) !== undefined;
}

/** Erases what is due of a run. */
async function purgeRun(parts: Parts, run: string, o: ApplyOptions): Promise<readonly Condemned[]> {
  const { catalog, env } = parts;
  const { purged } = await catalog.purge(eraser(parts, o), {
    ...o,
    run,
    due: env.now(),
    limit: Number.POSITIVE_INFINITY,
  });
  return purged;
}

/** Erases what is due of any run, in lots, and says what went. */
export async function purgeDue(parts: Parts, o: ApplyOptions = {}): Promise<readonly Condemned[]> {
  const { catalog, env } = parts;
  const all: Condemned[] = [];
  for (;;) {
    const { purged } = await catalog.purge(eraser(parts, o), { ...o, due: env.now(), limit: LOT });
    all.push(...purged);
    if (purged.length < LOT) return all;
  }
}

export function eraser({ blobs }: Parts, { signal }: Signal): Erase {
  return async (placements) => {
    const gone: Digest[] = [];
    const failures: unknown[] = [];
    for await (const { placement, error } of blobs.delete(placements, { signal })) {
      if (error === undefined) gone.push(placement.digest);
      else failures.push(error);
    }
    // What could not be erased stays condemned and is tried again; but if nothing could, somebody must hear why.
    if (gone.length === 0 && failures.length > 0) throw failures[0];
    return gone;
  };
}
