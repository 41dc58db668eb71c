/** So many are asked for together: a disk or a network answers several questions in the time of one. */
export const WAVE = 1024;
/** And so many bytes: what is asked for may be as large as a manifest may be. */
const BYTES = 16 * 1024 * 1024;

/**
 * What `work` makes of each, in their order, a wave at a time. The first failure is thrown once nothing of its wave is under way
 * any more: whoever holds a lock for it may then let go.
 *
 * @param sizeOf How many bytes one may bring with it.
 */
export async function inWaves<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R> | R,
  sizeOf: (item: T) => number = () => 0,
): Promise<R[]> {
  const results: R[] = [];
  while (results.length < items.length) {
    const wave: Promise<R>[] = [];
    for (let bytes = 0; wave.length < WAVE && bytes < BYTES; ) {
      const item = items[results.length + wave.length];
      if (item === undefined) break;
      bytes += sizeOf(item);
      wave.push(new Promise((resolve) => resolve(work(item))));
    }
    for (const each of await Promise.allSettled(wave)) {
      if (each.status === "rejected") throw each.reason;
      results.push(each.value);
    }
  }
  return results;
}
