import type { Signal } from "../contract/environment.ts";
import { raced } from "../contract/raced.ts";
import { type ErrorData, isOciStoreError, OciStoreError } from "../errors.ts";

type Side = NonNullable<ErrorData["side"]>;

/**
 * Does something with one side of a copy; its errors say with which, and what it was. An abort is reported as the signal's
 * own reason; and a source is not waited for after one, as it may never answer.
 *
 * @param work Is given the signal and none of the other options, which may mean something else to whom they are passed on.
 */
export async function on<T>(
  side: Side,
  op: string,
  work: (only: Signal) => Promise<T>,
  { signal }: Signal,
): Promise<T> {
  signal?.throwIfAborted();
  try {
    return await (side === "source" ? raced(work({ signal }), signal) : work({ signal }));
  } catch (error) {
    throw sided(error, side, op, { signal });
  }
}

/** The items of a listing, likewise. */
export async function* listed<T>(
  side: Side,
  op: string,
  list: (only: Signal) => AsyncIterable<T>,
  o: Signal,
): AsyncGenerator<T> {
  const iterator = await on(side, op, async (only) => list(only)[Symbol.asyncIterator](), o);
  let isOver = false;
  try {
    while (true) {
      const next = await on(side, op, async () => iterator.next(), o);
      isOver = next.done ?? false;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Its failure would hide the one that led here; and one that hangs is not waited for.
    if (!isOver) void iterator.return?.().catch(() => {});
  }
}

/** The error as it is reported. What is not ours is a failure of that side for a reason of its own. */
export function sided(error: unknown, side: Side, op: string, { signal }: Signal = {}): unknown {
  if (signal?.aborted) return signal.reason;
  if (isOciStoreError(error)) {
    if (error.data.side !== undefined) return error;
    return new OciStoreError(error.code, `${side}: ${error.message}`, { ...error.data, side, op }, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new OciStoreError("UNAVAILABLE", `${side}: cannot ${op}: ${message}`, { side, op }, { cause: error });
}
