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
import { hasCode, reported } from "../files/errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../files/file-system.ts";
import { regular, unlinkIfThere } from "../files/listing.ts";
import { readChunks } from "../files/read.ts";
import { SyncAhead } from "../files/sync-ahead.ts";
import type { Paths } from "./paths.ts";
import type { Writers } from "./writers.ts";

/** What the uploads of one store share. */
interface Ground {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly directories: Directories;
  readonly writers: Writers;
}

/**
 * A file under a name of its own, until it is a blob. Who writes to it or ends it is its writer first (writers.ts), and stays
 * that until it is published, aborted or released.
 */
export class LayoutUpload implements Upload {
  readonly id: string;
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #directories: Directories;
  readonly #writers: Writers;
  readonly #algorithm: string;
  #offset: number;
  /**
   * Runs along with the bytes for as long as nobody else can have been the writer since the first of them; absent otherwise,
   * and then they are read again.
   */
  #hasher: Hasher | undefined;
  /** A write failed, and may have left bytes beyond the end that are nobody's. */
  #torn = false;
  /** What our last writing left. If it is something else when it comes to commit, somebody has written who honours no lock. */
  #left: FileStat | undefined;
  #committed: Placement | undefined;
  #published = false;

  constructor(
    { fs, paths, directories, writers }: Ground,
    o: { readonly id: string; readonly offset: number; readonly algorithm: string },
  ) {
    this.#fs = fs;
    this.#paths = paths;
    this.#directories = directories;
    this.#writers = writers;
    this.id = o.id;
    this.#offset = o.offset;
    this.#algorithm = o.algorithm;
  }

  get offset(): number {
    return this.#offset;
  }

  get #path(): string {
    return this.#paths.upload(this.id);
  }

  async write(chunks: Bytes, { at, signal }: Signal & { readonly at: number }): Promise<number> {
    signal?.throwIfAborted();
    if (at !== this.#offset) throw this.#conflict(this.#offset, at);
    await this.#asWriter({ signal }, async (handle, isNew) => {
      await this.#mustBeAtEnd(handle);
      if (isNew) this.#hasher = this.#offset === 0 ? createHasher(this.#algorithm) : undefined;
      const ahead = new SyncAhead(handle);
      try {
        for await (const chunk of chunks) {
          signal?.throwIfAborted();
          this.#torn = true;
          const writing = reported("write the upload", this.#path, () => writeAll(handle, chunk, this.#offset));
          // While another thread writes. If it fails, what is hashed is not what is stored, and that is read again.
          const hasher = this.#hasher;
          this.#hasher = undefined;
          hasher?.update(chunk);
          await writing;
          this.#hasher = hasher;
          this.#torn = false;
          this.#offset += chunk.length;
          ahead.note(chunk.length);
        }
      } finally {
        await this.#mustBeWell(ahead);
      }
      this.#left = await reported("look at the upload", this.#path, () => handle.stat());
    });
    return this.#offset;
  }

  async #mustBeWell(ahead: SyncAhead): Promise<void> {
    try {
      await reported("make the upload durable", this.#path, () => ahead.end());
    } catch (error) {
      // As when the last one fails: nobody knows what lies there.
      await unlinkIfThere(this.#fs, this.#path).catch(() => {});
      throw error;
    }
  }

  async commit(digest: Digest | undefined, o: Signal & { readonly size?: number } = {}): Promise<Placement> {
    o.signal?.throwIfAborted();
    const placement = await this.#asWriter(o, async (handle, isNew) => {
      if (isNew) this.#hasher = undefined;
      await this.#mustBeOurs(handle);
      try {
        const verified = await this.#verify(digest, o);
        await reported("make the upload durable", this.#path, () => handle.sync());
        return verified;
      } catch (error) {
        // After a sync that failed nobody knows what lies there, and wrong bytes are of no use to anybody.
        if (!o.signal?.aborted) await unlinkIfThere(this.#fs, this.#path).catch(() => {});
        throw error;
      }
    });
    this.#committed = placement;
    return placement;
  }

  /** Does the work as the one writer. One that has become it for nothing, since the upload is gone or elsewhere, lets go again. */
  async #asWriter<T>(o: Signal, work: (handle: FileHandle, isNew: boolean) => Promise<T>): Promise<T> {
    const isNew = await this.#become(o);
    // Bytes beyond the end are ours to cut off only if nobody else can have written them.
    if (isNew) this.#torn = false;
    this.#writers.setBusy(this.#path, this, true);
    let isGone = false;
    try {
      const handle = await this.#open();
      // What the source throws passes as it is: it may look like a failure of ours, and is none.
      return await closing(handle, () => work(handle, isNew));
    } catch (error) {
      isGone = error instanceof OciStoreError && ["UPLOAD_UNKNOWN", "CONFLICT"].includes(error.code);
      isGone ||= (await this.#fs.lstat(this.#path).catch(() => "unknown")) === undefined;
      throw error;
    } finally {
      this.#writers.setBusy(this.#path, this, false);
      if (isGone) await this.#writers.leave(this.#path, this).catch(() => {});
    }
  }

  async #become(o: Signal): Promise<boolean> {
    try {
      return await this.#writers.become(this.id, this, o);
    } catch (error) {
      throw hasCode(error, "ENOENT") ? this.#unknown(error) : error;
    }
  }

  /** Another handle may have written since this one was opened: what that was told is stored must not be written over. */
  async #mustBeAtEnd(handle: FileHandle): Promise<void> {
    if (this.#torn) return;
    const { size } = await reported("look at the upload", this.#path, () => handle.stat());
    if (size !== this.#offset) throw this.#conflict(size, this.#offset);
  }

  /** Cuts off what a write that failed has left beyond the end, and notices another writer. */
  async #mustBeOurs(handle: FileHandle): Promise<void> {
    await reported("look at the upload", this.#path, async () => {
      const stat = await handle.stat();
      if (stat.size < this.#offset || (stat.size > this.#offset && !this.#torn)) {
        throw this.#conflict(stat.size, this.#offset);
      }
      const isAsLeft = stat.size === this.#left?.size && stat.modified === this.#left.modified;
      if (!isAsLeft && this.#offset > 0) this.#hasher = undefined;
      if (stat.size > this.#offset) await handle.truncate(this.#offset);
    });
  }

  async #open(): Promise<FileHandle> {
    try {
      const handle = await reported("open the upload", this.#path, () => this.#fs.open(this.#path, "r+"));
      return { ...handle, close: () => reported("close the upload", this.#path, () => handle.close()) };
    } catch (error) {
      throw hasCode(error, "ENOENT") ? this.#unknown(error) : error;
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

  /** For another handle of this process that becomes the writer: `false` if this one is not to be disturbed. */
  get mayBeRelieved(): boolean {
    return this.#committed === undefined;
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
      // Once it has the name, another upload may be under the id.
      if (!this.#published) await this.#rename(final);
      this.#published = true;
      await this.#fs.syncDirectory(directory);
    });
    await this.#writers.leave(this.#path, this);
  }

  async #rename(final: string): Promise<void> {
    try {
      await this.#fs.rename(this.#path, final);
    } catch (error) {
      // Called again after a rename that was done and failed all the same: it has the name already.
      if (!hasCode(error, "ENOENT")) throw error;
      if (!(await regular(this.#fs, final))) throw this.#unknown(error);
    }
  }

  async release(): Promise<void> {
    if (!this.#writers.isWriter(this.#path, this)) return;
    if (!this.#published) this.#committed = undefined;
    // At best what is left is what was acknowledged; if not, the digest will tell.
    if (this.#torn) await this.#cut().catch(() => {});
    await this.#writers.leave(this.#path, this);
  }

  async #cut(): Promise<void> {
    const handle = await this.#open();
    await closing(handle, () => handle.truncate(this.#offset));
  }

  async abort(o: Signal = {}): Promise<void> {
    const isThere = () => reported("look at the upload", this.#path, () => this.#fs.lstat(this.#path));
    if (!this.#writers.isWriter(this.#path, this)) {
      if (this.#published || !(await isThere())) return;
      await this.#become(o);
    }
    try {
      if (!this.#published) {
        await reported("remove the upload", this.#path, () => unlinkIfThere(this.#fs, this.#path));
      }
    } catch (error) {
      // Left to a collection, which takes nothing that has a writer. The first failure is the one to report.
      await this.#writers.leave(this.#path, this).catch(() => {});
      throw error;
    } finally {
      this.#committed = undefined;
    }
    await this.#writers.leave(this.#path, this);
  }

  #conflict(expected: number, actual: number): OciStoreError {
    const data = { path: this.#path, expected, actual };
    return new OciStoreError("CONFLICT", `upload ${this.id} is at ${expected}, not at ${actual}`, data);
  }

  #unknown(cause: unknown): OciStoreError {
    return new OciStoreError("UPLOAD_UNKNOWN", `no upload ${this.id}`, { path: this.#path }, { cause });
  }
}
