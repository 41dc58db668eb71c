import {
  algorithmOf,
  type Bytes,
  createHasher,
  type Digest,
  type Hasher,
  OciStoreError,
  type Placement,
  type Signal,
  type Upload,
} from "@ocistore/core";
import { closing, type Directories, writeAll } from "../files/durable.ts";
import { hasCode, reported, toOciStoreError } from "../files/errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../files/file-system.ts";
import { regular } from "../files/listing.ts";
import { readChunks } from "../files/read.ts";
import type { Paths } from "./paths.ts";

/** What the uploads of one store share. */
interface Ground {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly directories: Directories;
}

/** The files that this process is writing to, whichever of its stores does. */
const BUSY = new Set<string>();

/** A file under a name of its own, until it is a blob. */
export class LayoutUpload implements Upload {
  readonly id: string;
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #directories: Directories;
  readonly #algorithm: string;
  #offset: number;
  /** Runs along with the bytes; absent where some of them were written by another handle, and then they are read again. */
  #hasher: Hasher | undefined;
  /** A write failed, and may have left bytes beyond the end that are nobody's. */
  #torn = false;
  /** What our last writing left. If it is something else when it comes to commit, somebody else has written too. */
  #left: FileStat | undefined;
  #committed: Placement | undefined;

  constructor(
    { fs, paths, directories }: Ground,
    o: {
      readonly id: string;
      readonly offset: number;
      readonly hasher: Hasher | undefined;
      readonly algorithm?: string | undefined;
    },
  ) {
    this.#fs = fs;
    this.#paths = paths;
    this.#directories = directories;
    this.id = o.id;
    this.#offset = o.offset;
    this.#hasher = o.hasher;
    this.#algorithm = o.hasher?.algorithm ?? o.algorithm ?? "sha256";
  }

  get offset(): number {
    return this.#offset;
  }

  get #path(): string {
    return this.#paths.upload(this.id);
  }

  async write(chunks: Bytes, { at, signal }: Signal & { readonly at: number }): Promise<number> {
    signal?.throwIfAborted();
    const key = `${this.#fs.scope} ${this.#path}`;
    if (BUSY.has(key)) throw new OciStoreError("LOCKED", `upload ${this.id} is being written to`);
    if (at !== this.#offset) {
      const data = { expected: this.#offset, actual: at };
      throw new OciStoreError("CONFLICT", `upload ${this.id} is at ${this.#offset}, not at ${at}`, data);
    }
    BUSY.add(key);
    try {
      const handle = await this.#open("open the upload");
      // What the source throws passes as it is: it may look like a failure of ours, and is none.
      await closing(handle, async () => {
        await this.#mustBeAtEnd(handle);
        for await (const chunk of chunks) {
          signal?.throwIfAborted();
          this.#torn = true;
          await reported("write the upload", this.#path, () => writeAll(handle, chunk, this.#offset));
          this.#torn = false;
          this.#hasher?.update(chunk);
          this.#offset += chunk.length;
        }
        this.#left = await reported("look at the upload", this.#path, () => handle.stat());
      });
    } finally {
      BUSY.delete(key);
    }
    return this.#offset;
  }

  async commit(digest: Digest | undefined, o: Signal & { readonly size?: number } = {}): Promise<Placement> {
    o.signal?.throwIfAborted();
    try {
      const handle = await this.#open("make the upload durable");
      const placement = await closing(handle, async () => {
        await this.#mustBeOurs(handle);
        const verified = await this.#verify(digest, o);
        await reported("make the upload durable", this.#path, () => handle.sync());
        return verified;
      });
      this.#committed = placement;
      return placement;
    } catch (error) {
      // After a sync that failed nobody knows what lies there, and wrong bytes are of no use to anybody.
      if (!o.signal?.aborted) await this.abort().catch(() => {});
      throw error;
    }
  }

  /** Another handle may have written since this one was opened: what that was told is stored must not be written over. */
  async #mustBeAtEnd(handle: FileHandle): Promise<void> {
    if (this.#torn) return;
    const { size } = await reported("look at the upload", this.#path, () => handle.stat());
    if (size === this.#offset) return;
    const data = { path: this.#path, expected: size, actual: this.#offset };
    throw new OciStoreError("CONFLICT", `upload ${this.id} is at ${size}, not at ${this.#offset}`, data);
  }

  /** Cuts off what a write that failed has left beyond the end, and notices another writer, who honoured no `LOCKED`. */
  async #mustBeOurs(handle: FileHandle): Promise<void> {
    await reported("look at the upload", this.#path, async () => {
      const stat = await handle.stat();
      if (stat.size < this.#offset) {
        const data = { path: this.#path, expected: this.#offset, actual: stat.size };
        throw new OciStoreError("CONFLICT", `upload ${this.id} has ${stat.size} bytes, not ${this.#offset}`, data);
      }
      const isAsLeft = stat.size === this.#left?.size && stat.modified === this.#left.modified;
      if (!isAsLeft && this.#offset > 0) this.#hasher = undefined;
      if (stat.size > this.#offset) await handle.truncate(this.#offset);
    });
  }

  async #open(what: string): Promise<FileHandle> {
    try {
      const handle = await reported(what, this.#path, () => this.#fs.open(this.#path, "r+"));
      return { ...handle, close: () => reported("close the upload", this.#path, () => handle.close()) };
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${this.id}`, { path: this.#path }, { cause: error });
    }
  }

  async #verify(
    expected: Digest | undefined,
    { signal, size }: Signal & { readonly size?: number },
  ): Promise<Placement> {
    if (size !== undefined && size !== this.#offset) {
      const data = { expected: size, actual: this.#offset };
      throw new OciStoreError("SIZE_MISMATCH", `${this.#offset} bytes were sent, not ${size}`, data);
    }
    const algorithm = expected === undefined ? this.#algorithm : algorithmOf(expected);
    const running = algorithm === this.#algorithm ? this.#hasher : undefined;
    const digest = running ? running.digest() : await this.#hashAgain(algorithm, signal);
    this.#hasher = undefined;
    if (expected !== undefined && digest !== expected) {
      throw new OciStoreError("DIGEST_MISMATCH", `the bytes are ${digest}, not ${expected}`, { digest: expected });
    }
    return { digest, size: this.#offset, generation: "" };
  }

  async #hashAgain(algorithm: string, signal: AbortSignal | undefined): Promise<Digest> {
    const hasher = createHasher(algorithm);
    for await (const chunk of readChunks(this.#fs, this.#path, { signal })) hasher.update(chunk);
    return hasher.digest();
  }

  /**
   * The rename replaces what lies there, even if it is the same: if it is not, it was damaged, and is mended by this. The
   * directory is synced in any case, since whoever made the entry may have died before doing so.
   */
  async publish(): Promise<void> {
    const placement = this.#committed;
    if (!placement) throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${this.id} has not been committed`);
    const final = this.#paths.blob(placement.digest);
    const directory = this.#paths.algorithm(algorithmOf(placement.digest));
    await reported("store the blob", final, async () => {
      await this.#directories.ensure(this.#paths.blobs, directory);
      try {
        await this.#fs.rename(this.#path, final);
      } catch (error) {
        // Called again: it has the name already.
        if (!hasCode(error, "ENOENT")) throw error;
        if (!(await regular(this.#fs, final))) {
          throw new OciStoreError(
            "UPLOAD_UNKNOWN",
            `upload ${this.id} is gone`,
            { path: this.#path },
            { cause: error },
          );
        }
      }
      await this.#fs.syncDirectory(directory);
    });
  }

  async abort(): Promise<void> {
    try {
      await this.#fs.unlink(this.#path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw toOciStoreError(error, "remove the upload", this.#path);
    }
  }
}
