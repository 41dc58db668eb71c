import type { Signal } from "../contract/environment.ts";

export interface ParallelOptions extends Signal {
  readonly concurrency: number;
}

/**
 * Works on the items, so many at a time, in their order. The first failure stops the others, whose signal is aborted with it,
 * and is thrown once none of them is under way any more.
 */
export async function inParallel<T>(
  items: readonly T[],
  { concurrency, signal: outer }: ParallelOptions,
  work: (item: T, o: Signal) => Promise<void>,
): Promise<void> {
  outer?.throwIfAborted();
  const stop = new AbortController();
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async () => {
    // Its own, or all that listen would listen to one.
    const signal = AbortSignal.any(outer ? [outer, stop.signal] : [stop.signal]);
    while (next < items.length && !failure) {
      try {
        signal.throwIfAborted();
        await work(items[next++]!, { signal });
      } catch (error) {
        failure ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  if (failure) throw failure.error;
}

/** So many digests are asked for at a time. */
const BATCH = 500;

export function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += BATCH) yield items.slice(from, from + BATCH);
}
