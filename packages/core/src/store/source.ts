import type { Signal } from "../contract/environment.ts";
import type { Bytes } from "../contract/placement.ts";
import { raced } from "../contract/raced.ts";
import { OciStoreError } from "../errors.ts";
import type { Annotations, Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";

/** Bytes from outside: all at hand, or in pieces. A web `ReadableStream` and a Node `Readable` are both async iterables. */
export type BlobBytes = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Bytes that can be had from any byte on. It is called when the bytes are needed, with the number of the first one: 0, or where
 * an earlier try stopped. It may be called again, and not at all if the blob is stored already.
 */
export type BlobBytesFrom = (start: number) => BlobBytes;

/** Bytes, and what is said of them. A stated size or digest is checked, not trusted. */
export interface DescribedBlob {
  readonly stream: BlobBytes | BlobBytesFrom;
  /** Default `application/octet-stream`. */
  readonly mediaType?: string | undefined;
  readonly size?: number | undefined;
  readonly digest?: Digest | undefined;
  readonly annotations?: Annotations | undefined;
  readonly artifactType?: string | undefined;
  readonly platform?: Platform | undefined;
}

export type BlobSource = BlobBytes | DescribedBlob;

export function described(source: BlobSource): DescribedBlob {
  if (source instanceof Uint8Array || isIterable(source)) return { stream: source };
  if (typeof source !== "object" || source === null || !("stream" in source)) {
    throw new TypeError("a blob's source is a Uint8Array, an async iterable of them, or { stream }");
  }
  return source;
}

function isIterable(source: unknown): source is AsyncIterable<Uint8Array> {
  return typeof source === "object" && source !== null && Symbol.asyncIterator in source;
}

export interface PiecesOptions extends Signal {
  readonly size: number | undefined;
  /** How many bytes are stored already, and are not to be sent again. */
  readonly start: number;
  readonly onPiece: () => Promise<void>;
}

/**
 * The bytes after the first `start`, in pieces; stops a source that sends more than it said as soon as it does, and one that
 * stalls when told to. What can only be had from its beginning is read over as far as it is known.
 *
 * @throws `SIZE_MISMATCH` if there are more bytes than `size`, or fewer than `start`.
 */
export async function* pieces(stream: BlobBytes | BlobBytesFrom, o: PiecesOptions): Bytes {
  const { size, start, signal, onPiece } = o;
  if (size !== undefined && size < start) throw shorter(size, start);
  const given = typeof stream === "function" ? stream(start) : stream;
  let at = typeof stream === "function" ? start : 0;
  for await (const piece of given instanceof Uint8Array ? [given] : abortable(given, signal)) {
    if (!(piece instanceof Uint8Array)) throw new TypeError("a blob's source yields Uint8Array");
    const fresh = piece.subarray(Math.min(piece.length, Math.max(0, start - at)));
    at += piece.length;
    if (size !== undefined && at > size) {
      throw new OciStoreError("SIZE_MISMATCH", `more than the stated ${size} bytes were sent`, {
        expected: size,
        actual: at,
      });
    }
    if (fresh.length > 0) yield fresh;
    await onPiece();
  }
  if (at < start) throw shorter(at, start);
}

function shorter(actual: number, expected: number): OciStoreError {
  const message = `the source has ${actual} bytes, and ${expected} are stored already`;
  return new OciStoreError("SIZE_MISMATCH", message, { expected, actual });
}

/** Waits for the source or for the signal, whichever comes first: a source may never come. */
async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  let isOver = false;
  try {
    while (true) {
      const next = await raced(Promise.resolve(iterator.next()), signal);
      isOver = next.done ?? false;
      if (isOver) return;
      yield next.value;
    }
  } finally {
    const end = async () => void (await iterator.return?.());
    // After an abort it is not waited for: one that hangs would end only with the piece that does not come.
    if (!isOver && signal?.aborted) void end().catch(() => {});
    else if (!isOver) await end();
  }
}

/** Tells a source that it is not needed, so that a file or a socket behind it is closed. */
export async function discard(stream: BlobBytes | BlobBytesFrom): Promise<void> {
  if (stream instanceof Uint8Array || typeof stream === "function") return;
  await stream[Symbol.asyncIterator]().return?.();
}
