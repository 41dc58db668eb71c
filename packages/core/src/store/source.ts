import type { Signal } from "../contract/environment.ts";
import type { Bytes } from "../contract/placement.ts";
import { raced } from "../contract/raced.ts";
import { OciStoreError } from "../errors.ts";
import type { Annotations, Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";

/** Bytes from outside: all at hand, or in pieces. A web `ReadableStream` and a Node `Readable` are both async iterables. */
export type BlobBytes = Uint8Array | AsyncIterable<Uint8Array>;

/** Bytes, and what is said of them. A stated size or digest is checked, not trusted. */
export interface DescribedBlob {
  readonly stream: BlobBytes;
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
  readonly onPiece: () => Promise<void>;
}

/** The bytes in pieces; stops a source that sends more than it said as soon as it does, and one that stalls when told to. */
export async function* pieces(stream: BlobBytes, { size, signal, onPiece }: PiecesOptions): Bytes {
  let sent = 0;
  for await (const piece of stream instanceof Uint8Array ? [stream] : abortable(stream, signal)) {
    if (!(piece instanceof Uint8Array)) throw new TypeError("a blob's source yields Uint8Array");
    sent += piece.length;
    if (size !== undefined && sent > size) {
      throw new OciStoreError("SIZE_MISMATCH", `more than the stated ${size} bytes were sent`, {
        expected: size,
        actual: sent,
      });
    }
    if (piece.length > 0) yield piece;
    await onPiece();
  }
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
export async function discard(stream: BlobBytes): Promise<void> {
  if (!(stream instanceof Uint8Array)) await stream[Symbol.asyncIterator]().return?.();
}
