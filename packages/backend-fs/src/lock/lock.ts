import { type Ms, OciStoreError, type Signal } from "@ocistore/core";

/** One lock of one store: at most one holder at a time, among all processes that honour it. */
export interface Lock {
  /**
   * Resolves when the lock is held, with the function that gives it back.
   *
   * Without `wait` this waits for as long as the holder is known to be alive, and 30 s for one of which that cannot be
   * known from here. With `wait` (ms; 0 only tries) no longer than that in either case. Then it fails with `LOCKED`,
   * and `data.holders` says who holds it and, if it may be dead for all we know, how to break it.
   */
  acquire(o?: AcquireOptions): Promise<Release>;
}

export interface AcquireOptions extends Signal {
  readonly wait?: Ms | undefined;
}

/**
 * Gives the lock back. May be called again: after a success that does nothing, after a failure it tries again. Fails
 * with `CONFLICT` if someone broke the lock meanwhile, so that what was done under it was perhaps not done alone.
 */
export type Release = () => Promise<void>;

/** Who stands in the way, as far as one can tell. */
export interface Holder {
  /** For people: which process, where, and what to do if it will never let go. */
  readonly text: string;
  /** Whether it is known to be alive, or might have died without anybody here being able to see it. */
  readonly known: boolean;
  /** Another value as soon as the lock was passed on, which is a sign of life. */
  readonly turn: string;
}

export function lockedError(path: string, holder: Holder): OciStoreError {
  return new OciStoreError("LOCKED", `locked by ${holder.text}`, { path, holders: [holder.text] });
}
