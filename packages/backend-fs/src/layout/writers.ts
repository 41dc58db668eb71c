import { type Environment, OciStoreError, randomId, type Signal } from "@ocistore/core";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { regularFiles, unlinkIfThere } from "../files/listing.ts";
import { type UploadLock, UploadLocks, type UploadLocksOptions } from "../lock/upload-locks.ts";
import { ABANDONED } from "../sidecar/leftovers.ts";
import type { Paths } from "./paths.ts";

/** A handle on an upload. */
interface Handle {
  /** Whether another handle of this process may become the writer instead. */
  readonly mayBeRelieved: boolean;
}

interface Writer {
  handle: Handle;
  isBusy: boolean;
  readonly lock: UploadLock;
}

/** The uploads that this process is the writer of, whichever of its stores is. */
const WRITERS = new Map<string, Writer>();
/** Those that a handle is just taking the lock of, or giving it back. */
const CHANGING = new Set<string>();

/**
 * Who writes to which upload. Among processes the lock beside the upload decides (upload-locks.ts). Inside this one a handle
 * that is idle makes way for the next; each is told whether it has been the writer all along.
 */
export class Writers {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #env: Environment;
  readonly #locks: UploadLocks;

  constructor(fs: FileSystem, paths: Paths, env: Environment, o: UploadLocksOptions) {
    this.#fs = fs;
    this.#paths = paths;
    this.#env = env;
    this.#locks = new UploadLocks(fs, env, o);
  }

  /**
   * Makes this handle the writer. Resolves with `false` if it was that already, and nobody in between.
   *
   * @throws `LOCKED`; the platform's `ENOENT`.
   */
  async become(id: string, handle: Handle, o: Signal): Promise<boolean> {
    const path = this.#paths.upload(id);
    const key = this.#key(path);
    const writer = WRITERS.get(key);
    if (CHANGING.has(key) || writer?.isBusy) throw lockedHere(id, path);
    if (writer?.handle === handle) return false;
    if (writer) {
      if (!writer.handle.mayBeRelieved) throw lockedHere(id, path);
      writer.handle = handle;
      return true;
    }
    CHANGING.add(key);
    try {
      const temp = this.#paths.uploadLockTemp(id, randomId(this.#env));
      const lock = await this.#locks.take(this.#paths.uploadLock(id), { ...o, temp });
      WRITERS.set(key, { handle, isBusy: false, lock });
      return true;
    } finally {
      CHANGING.delete(key);
    }
  }

  isWriter(path: string, handle: Handle): boolean {
    return WRITERS.get(this.#key(path))?.handle === handle;
  }

  setBusy(path: string, handle: Handle, isBusy: boolean): void {
    const writer = WRITERS.get(this.#key(path));
    if (writer?.handle === handle) writer.isBusy = isBusy;
  }

  /** Harmless if it is not the writer, or not any more. */
  async leave(path: string, handle: Handle): Promise<void> {
    const key = this.#key(path);
    const writer = WRITERS.get(key);
    if (writer?.handle !== handle) return;
    WRITERS.delete(key);
    CHANGING.add(key);
    try {
      await writer.lock.release();
    } finally {
      CHANGING.delete(key);
    }
  }

  /** Who is writing, for people. */
  async holder(id: string): Promise<string | undefined> {
    const writer = WRITERS.get(this.#key(this.#paths.upload(id)));
    if (writer) return writer.isBusy || !writer.handle.mayBeRelieved ? "this process" : undefined;
    return this.#locks.holder(this.#paths.uploadLock(id));
  }

  /** Removes what the dead have left beside uploads that are gone: their locks, and records that never became one. */
  async sweep({ signal }: Signal): Promise<void> {
    for await (const { name, path, stat } of regularFiles(this.#fs, this.#paths.uploads)) {
      signal?.throwIfAborted();
      const { id, isLock } = this.#paths.parseUploadLock(name) ?? {};
      if (id === undefined) continue;
      if (!isLock) {
        if (stat.modified <= this.#env.now() - ABANDONED) {
          await reported("remove an old lock", path, () => unlinkIfThere(this.#fs, path));
        }
      } else if (!(await reported("look at the upload", path, () => this.#fs.lstat(this.#paths.upload(id))))) {
        if (!WRITERS.has(this.#key(this.#paths.upload(id)))) await this.#locks.sweep(path, { signal });
      }
    }
  }

  #key(path: string): string {
    return `${this.#fs.scope} ${path}`;
  }
}

function lockedHere(id: string, path: string): OciStoreError {
  const holders = ["this process"];
  return new OciStoreError("LOCKED", `upload ${id} is being written to by this process`, { path, holders });
}
