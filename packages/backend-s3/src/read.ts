import { type Bytes, isOciStoreError, OciStoreError, type Range, type Signal } from "@ocistore/core";
import { toOciStoreError } from "./errors.ts";
import type { Objects } from "./objects.ts";

/** How often in a row an answer may break off without having brought anything. */
const ATTEMPTS = 4;

/**
 * The bytes of an object. An answer that breaks off is gone on with from where it stopped, of the same object: what came before is
 * not asked for again.
 *
 * @throws `NOT_FOUND`, `UNAVAILABLE`, `CORRUPT` if it has fewer bytes than it should.
 */
export async function* readObject(
  objects: Objects,
  { key, size }: { readonly key: string; readonly size: number },
  { signal, start = 0, end = size }: Signal & Range = {},
): Bytes {
  let etag: string | undefined;
  for (let at = start, idle = 0; at < end; ) {
    const found = await objects.get(key, { signal, start: at, end, etag });
    if (!found) throw new OciStoreError("NOT_FOUND", `no such object: ${key}`, { path: key });
    etag = found.etag;
    const before = at;
    try {
      for await (const chunk of found.body) {
        at += chunk.length;
        if (at > end) throw new OciStoreError("CORRUPT", `more bytes than there should be: ${key}`, { path: key });
        yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      }
      if (at < end && at === before)
        throw new OciStoreError("CORRUPT", `fewer bytes than there should be: ${key}`, { path: key });
    } catch (error) {
      idle = at > before ? 0 : idle + 1;
      if (signal?.aborted || isOciStoreError(error) || idle === ATTEMPTS) {
        throw toOciStoreError(error, "read the object", key, signal);
      }
    }
  }
}
