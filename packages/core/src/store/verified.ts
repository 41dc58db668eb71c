import type { BlobStore, Range } from "../contract/blob-store.ts";
import type { Signal } from "../contract/environment.ts";
import type { Bytes, Placement } from "../contract/placement.ts";
import { OciStoreError } from "../errors.ts";
import { algorithmOf, createHasher } from "../model/digest.ts";

/**
 * The bytes of a blob, checked while they pass: a wrong one shows at the end, as an error in place of a clean end. A part
 * of a blob cannot be checked against the digest of the whole; its length is.
 *
 * @throws `CORRUPT`, `RANGE_INVALID`, and what the blob store throws.
 */
export async function* verified(blobs: BlobStore, placement: Placement, o: Signal & Range = {}): Bytes {
  const { digest, size } = placement;
  const { start = 0, end = size } = o;
  const isValid = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size;
  if (!isValid) {
    throw new OciStoreError("RANGE_INVALID", `bytes ${start} to ${end} do not lie inside ${size} bytes`, { digest });
  }
  const isWhole = start === 0 && end === size;
  const hasher = isWhole ? createHasher(algorithmOf(digest)) : undefined;
  let read = 0;
  for await (const piece of blobs.read(placement, isWhole ? { signal: o.signal } : { signal: o.signal, start, end })) {
    read += piece.length;
    if (read > end - start) break;
    hasher?.update(piece);
    yield piece;
  }
  if (read !== end - start) {
    const data = { digest, expected: end - start, actual: read };
    throw new OciStoreError("CORRUPT", `${digest} has other bytes than ${size}: ${read} were read`, data);
  }
  const found = hasher?.digest();
  if (found !== undefined && found !== digest) {
    throw new OciStoreError("CORRUPT", `the bytes under ${digest} are ${found}`, { digest });
  }
}

/** All bytes at once. */
export async function gathered(bytes: Bytes): Promise<Uint8Array> {
  const list: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bytes) {
    list.push(piece);
    length += piece.length;
  }
  const [only] = list;
  if (list.length === 1 && only) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of list) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
