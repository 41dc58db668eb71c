import { checkedTime } from "../contract/checked.ts";
import type { Ms } from "../contract/environment.ts";
import { checkedRetention } from "../contract/retention.ts";
import { OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import { type ApplyOptions, applyPlan, purgeDue, type Receipt } from "./apply.ts";
import { withLease } from "./lease.ts";
import type { Parts } from "./parts.ts";
import type { Plan } from "./plan.ts";
import { type CollectOptions, planCollect } from "./plan-collect.ts";

export interface CollectReceipt extends Receipt {
  /** What the grace or an unreadable manifest held back. */
  readonly kept: Plan["kept"];
  /** Of a full collection: garbage that the catalog's queue should have known of. It was left alone; somebody should hear of it. */
  readonly missed: readonly Digest[];
  /** Uploads that nobody has touched for the length of the grace, and for an hour at least, and that were given up. */
  readonly uploads: number;
}

/** An upload that nobody has touched for less may be going on, and no grace that is asked for makes that known. */
const LIVING_UPLOAD: Ms = 60 * 60_000;

const DAY: Ms = 24 * 60 * 60_000;

/**
 * Collects: erases what earlier runs condemned and what is due, then takes what nothing keeps. One collector at a time.
 *
 * @throws `LOCKED` if another collection is running.
 */
export async function collect(parts: Parts, o: CollectOptions & ApplyOptions = {}): Promise<CollectReceipt> {
  // Before the lease is written: a mistake of the caller changes nothing.
  if (o.grace !== undefined) checkedTime(o.grace, "grace");
  if (o.untagged !== undefined) checkedTime(o.untagged, "untagged");
  if (o.retention !== undefined) checkedRetention(o.retention);
  return withLease(parts, o, (epoch) =>
    daily(parts, o, async (strays) => {
      const plan = await planCollect(parts, { ...o, strays });
      return { ...(await applyCollect(parts, plan, { ...o, epoch })), kept: plan.kept, missed: plan.missed ?? [] };
    }),
  );
}

/**
 * Has strays looked for once a day, by whichever process comes first: it gets a lease, which it gives back only if it did not get
 * through all of them.
 */
async function daily(
  { catalog }: Parts,
  o: CollectOptions,
  work: (strays: boolean) => Promise<CollectReceipt>,
): Promise<CollectReceipt> {
  if (o.strays !== undefined || o.full || !catalog.capabilities.queue) return work(o.strays ?? false);
  const epoch = await catalog.lease("strays", DAY, o);
  if (epoch === undefined) return work(false);
  let isThrough = false;
  try {
    const receipt = await work(true);
    isThrough = receipt.skipped === 0 && receipt.kept.every(({ because }) => because !== "limit");
    return receipt;
  } finally {
    // Not with the caller's signal. Without this nothing is wrong but that the rest waits for tomorrow.
    if (!isThrough) await catalog.endLease("strays", epoch).catch(() => {});
  }
}

/** Applies the plan of a collection, with what a collection does besides. */
export async function applyCollection(parts: Parts, plan: Plan, o: ApplyOptions = {}): Promise<CollectReceipt> {
  return withLease(parts, o, async (epoch) => ({
    ...(await applyCollect(parts, plan, { ...o, epoch })),
    kept: plan.kept,
    missed: plan.missed ?? [],
  }));
}

async function applyCollect(
  parts: Parts,
  plan: Plan,
  o: ApplyOptions,
): Promise<Receipt & { readonly uploads: number }> {
  const due = await purgeDue(parts, o);
  for (const { digest, size, generation, kind } of due) {
    o.onOutcome?.({ digest, size, generation, kind, reason: "condemned by an earlier run", outcome: "removed" });
  }
  const living = parts.env.now() - LIVING_UPLOAD;
  const uploads = await dropUploads(parts, Math.min(plan.header.before ?? living, living), o);
  const receipt = await applyPlan(parts, plan, o);
  if (plan.reviewed) await parts.catalog.review(plan.reviewed, o);
  const bytes = due.reduce((sum, { size }) => sum + size, 0);
  return { ...receipt, removed: receipt.removed + due.length, bytes: receipt.bytes + bytes, uploads };
}

async function dropUploads({ blobs }: Parts, before: Ms, o: ApplyOptions): Promise<number> {
  let dropped = 0;
  for await (const { id, touched } of blobs.uploads(o)) {
    if (touched > before) continue;
    try {
      await (await blobs.upload(id, o)).abort(o);
      dropped += 1;
    } catch (error) {
      // Its owner has come back, or has ended it himself: then it is none of ours.
      if (!(error instanceof OciStoreError) || !["LOCKED", "UPLOAD_UNKNOWN"].includes(error.code)) throw error;
    }
  }
  return dropped;
}
