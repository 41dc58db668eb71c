import type { Ms, Signal } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import type { Parts } from "./parts.ts";

/**
 * How long a collector that has died keeps the next one waiting. One that is alive renews its lease before each lot; one that
 * was slower than this goes on all the same, unless another has followed it meanwhile.
 */
const LEASE: Ms = 2 * 60_000;

/** @throws `LOCKED` if another collection is running. */
export async function withLease<T>({ catalog }: Parts, o: Signal, work: (epoch: number) => Promise<T>): Promise<T> {
  const epoch = await catalog.lease("collect", LEASE, o);
  if (epoch === undefined) throw new OciStoreError("LOCKED", "another collection is running");
  let result: T;
  try {
    result = await work(epoch);
  } catch (error) {
    // Not with the caller's signal: an interrupted collection must not keep the next one waiting. The first error counts.
    await catalog.endLease("collect", epoch).catch(() => {});
    throw error;
  }
  await catalog.endLease("collect", epoch);
  return result;
}

/** @throws `CONFLICT` if another collector has followed. */
export async function renewLease({ catalog }: Parts, epoch: number | undefined, o: Signal): Promise<void> {
  if (epoch === undefined || (await catalog.lease("collect", LEASE, { ...o, renew: epoch })) !== undefined) return;
  throw new OciStoreError("CONFLICT", "another collector has taken over");
}
