import { OciStoreError, type Signal } from "@ocistore/core";
import { quickRead } from "./bulk.ts";
import { closing } from "./durable.ts";
import { hasCode, reported, toOciStoreError } from "./errors.ts";
import type { FileHandle, FileStat, FileSystem } from "./file-system.ts";

/** How often a file may be replaced under our hands before we say so. */
const ATTEMPTS = 16;

export interface OpenFile {
  readonly handle: FileHandle;
  readonly stat: FileStat;
}

/**
 * Opens a regular file and nothing else, or resolves with `undefined` if there is none. It is looked at before it is
 * opened, because opening a device can do things; and again after, because something else may have taken its name. A
 * file that was replaced between the two looks, as an atomic rename does, is simply opened anew.
 */
export function openRegular(fs: FileSystem, path: string): Promise<OpenFile | undefined> {
  return reported("open the file", path, async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = await fs.lstat(path);
      if (before === undefined) return undefined;
      if (before.kind !== "file") throw new OciStoreError("LAYOUT_INVALID", `not a regular file: ${path}`, { path });
      const opened = await openSame(fs, path, before);
      if (opened !== undefined) return opened;
    }
    throw new OciStoreError("UNAVAILABLE", `the file is replaced again and again: ${path}`, { path });
  });
}

async function openSame(fs: FileSystem, path: string, before: FileStat): Promise<OpenFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await fs.open(path, "r");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined; // gone meanwhile: look again
    throw error;
  }
  try {
    const stat = await handle.stat();
    if (stat.identity === before.identity && stat.kind === "file") return { handle, stat };
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
  await handle.close();
  return undefined;
}

/**
 * A whole file of at most `limit` bytes, or `undefined` if there is none. Anything but a regular file, and more bytes
 * than the limit, are `LAYOUT_INVALID`.
 */
export async function readWhole(fs: FileSystem, path: string, limit: number): Promise<Uint8Array | undefined> {
  const quick = await quickRead(fs, path);
  if (quick && quick.length <= limit) return quick;
  const file = await openRegular(fs, path);
  if (file === undefined) return undefined;
  return reported("read the file", path, () =>
    closing(file.handle, async () => {
      const { size } = file.stat;
      if (size > limit) {
        const data = { path, expected: limit, actual: size };
        throw new OciStoreError("LAYOUT_INVALID", `file of ${size} bytes, at most ${limit} allowed: ${path}`, data);
      }
      // Not a byte more than was there when we looked, so that a file that grows meanwhile cannot exceed the limit.
      const buffer = new Uint8Array(size);
      return buffer.subarray(0, await fill(file.handle, buffer, 0));
    }),
  );
}

export interface ReadOptions extends Signal {
  /** The first byte; 0 unless given. */
  readonly start?: number | undefined;
  /** The byte after the last one; the size of the file unless given. */
  readonly end?: number | undefined;
  /** The most bytes in a chunk; 256 KiB unless given. */
  readonly chunkSize?: number | undefined;
}

/**
 * The bytes of a regular file, in chunks that are the consumer's to keep. The file is opened by the first `next()` and
 * closed by the end, `return()`, an error or the signal, whose own reason is then thrown.
 *
 * Fails with `NOT_FOUND` if there is no file, `RANGE_INVALID` if it is shorter than `end`, `CORRUPT` if it turns out
 * shorter than it said: a stream that ends without an error has given every byte.
 */
export async function* readChunks(fs: FileSystem, path: string, o: ReadOptions = {}): AsyncGenerator<Uint8Array> {
  const { signal, start = 0, chunkSize = 256 * 1024 } = o;
  signal?.throwIfAborted();
  const file = await openRegular(fs, path);
  if (file === undefined) throw new OciStoreError("NOT_FOUND", `no such file: ${path}`, { path });
  let failed = false;
  try {
    const { size } = file.stat;
    const end = o.end ?? size;
    if (!(start >= 0 && start <= end && end <= size)) {
      const message = `bytes ${start} to ${end} of a file of ${size} bytes: ${path}`;
      throw new OciStoreError("RANGE_INVALID", message, { path, expected: end, actual: size });
    }
    for (let position = start; position < end; ) {
      signal?.throwIfAborted();
      const chunk = new Uint8Array(Math.min(chunkSize, end - position));
      const length = await fill(file.handle, chunk, position);
      signal?.throwIfAborted();
      position += length;
      if (length < chunk.length) {
        const message = `file ended after ${position} of ${end} bytes: ${path}`;
        throw new OciStoreError("CORRUPT", message, { path, expected: end, actual: position });
      }
      yield chunk;
    }
    signal?.throwIfAborted();
  } catch (error) {
    failed = true;
    throw toOciStoreError(error, "read the file", path, signal);
  } finally {
    const closed = file.handle.close();
    if (failed) await closed.catch(() => undefined);
    else await reported("close the file", path, () => closed);
  }
}

/** Fills the buffer from `position` on, however short the reads; how many bytes there were. */
export async function fill(handle: FileHandle, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const length = await handle.read(buffer, done, buffer.length - done, position + done);
    if (length === 0) break;
    done += length;
  }
  return done;
}
