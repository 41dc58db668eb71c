import { type Environment, randomId, type Signal } from "@ocistore/core";
import { closing, writeAll } from "../files/durable.ts";
import { hasCode, reported } from "../files/errors.ts";
import type { FileHandle, FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import { fill } from "../files/read.ts";
import { describe, quoted } from "./judge.ts";
import { type FileLocks, loadFileLocks, tryFileLock } from "./kernel-lock.ts";
import { type Lock, lockedError } from "./lock.ts";
import { type OwnerProbe, sameMachine } from "./owner.ts";
import { decodeRecord, encodeRecord, RECORD_LIMIT } from "./record.ts";

/*
 * The lock of an upload: a file beside it, which says who writes.
 *
 *   take     Write a record of one's own under a temporary name, complete, and `link` it to the lock's name. If that name
 *            exists, judge the record that has it. If its owner may be alive: `LOCKED`. If it is dead: break, and try again.
 *   give up  Unlink the lock's name.
 *   break    Under the lock of the store: judge the record that has the name now, and unlink it only if its owner is dead.
 *
 * Why one at a time. `link` makes the name for one only. The name is unlinked by nobody but its owner, who knows what it does,
 * and by those who break, who are one at a time since they hold the store's lock. Between the second look of one that breaks
 * and its `unlink` nobody else can take the record away: its owner is dead, which does not end, and the others wait. So what it
 * unlinks is what it has judged under that lock, and never the lock of somebody who came later.
 *
 * Why not the numbered lock of link-lock.ts: that one never unlinks its newest record, which is what makes it need no other
 * lock; one for each upload would leave a directory of records for each. Here there is another lock to lean on, and it is
 * needed only where somebody has died. Taking and giving up costs seven file calls, none of which waits for the disk.
 *
 * Who is dead is what judge.ts says: the process has gone, or it has held the kernel's lock for as long as it held this one
 * (`kernel` in its record), and now we can have that. The kernel's lock is one on the very file of the record, taken before it
 * gets its name and freed after it has lost it. It proves death, and never decides who holds the lock; so those that have it
 * (glibc, macOS, Windows) and those that do not (Alpine) exclude each other. A record without it is synced, since nothing else
 * would speak for it after a power failure; one with it that a power failure has emptied is judged by the kernel's lock alone.
 */

const KERNEL = "of this file";

/** A lock that is held. */
export interface UploadLock {
  /** May be called again after a failure. */
  release(): Promise<void>;
}

export interface UploadLocksOptions {
  readonly probe: OwnerProbe;
  /** The store's. Never held by who calls `take` or `sweep`. */
  readonly lock: Lock;
  /** Whether to ask the kernel for help; yes, unless told. */
  readonly kernel?: boolean | undefined;
}

interface Found {
  readonly record: Uint8Array;
  /** Who holds it, for people; absent if it is free to be taken over. */
  readonly holder: string | undefined;
}

/** Records of this process that it could not unlink, by path and text. Whoever meets one may break it. */
const FORSAKEN = new Set<string>();

export class UploadLocks {
  readonly #fs: FileSystem;
  readonly #env: Environment;
  readonly #o: UploadLocksOptions;

  constructor(fs: FileSystem, env: Environment, o: UploadLocksOptions) {
    this.#fs = fs;
    this.#env = env;
    this.#o = o;
  }

  /**
   * Takes the lock at `path`, or fails at once.
   *
   * @param o.temp A name in the same directory that nobody else uses.
   * @throws `LOCKED`; the platform's `ENOENT` if there is no such directory.
   */
  take(path: string, o: Signal & { readonly temp: string }): Promise<UploadLock> {
    const run = async () => {
      for (;;) {
        o.signal?.throwIfAborted();
        const taken = await this.#make(path, o.temp);
        if (taken) return taken;
        const found = await this.#look(path);
        if (found?.holder !== undefined) throw lockedError(path, { text: found.holder, known: true, turn: "" });
        if (found) await this.#break(path, o);
      }
    };
    return reported("lock the upload", path, run, o.signal);
  }

  /** Who holds the lock at `path`, for people; `undefined` if nobody does, or somebody who is dead. */
  holder(path: string): Promise<string | undefined> {
    return reported("look at the lock of the upload", path, async () => (await this.#look(path))?.holder);
  }

  /** Removes the lock at `path` if it is a dead one's. */
  sweep(path: string, o: Signal): Promise<void> {
    const run = async () => {
      const found = await this.#look(path);
      if (found && found.holder === undefined) await this.#break(path, o);
    };
    return reported("remove the lock of the upload", path, run, o.signal);
  }

  async #make(path: string, temp: string): Promise<UploadLock | undefined> {
    let kernel: FileHandle | undefined;
    try {
      const { record, handle } = await this.#write(temp);
      kernel = handle;
      if (await this.#link(temp, path, record)) return this.#held(path, record, kernel);
      await kernel?.close();
      return undefined;
    } catch (error) {
      // The first failure is the one to report.
      await kernel?.close().catch(() => {});
      throw error;
    } finally {
      // If it cannot be unlinked it is swept when it is old; the lock does not depend on it.
      await unlinkIfThere(this.#fs, temp).catch(() => {});
    }
  }

  /** The record under its temporary name; and the open file, if that has the kernel's lock. */
  async #write(temp: string): Promise<{ readonly record: Uint8Array; readonly handle: FileHandle | undefined }> {
    const self = await this.#o.probe.self();
    const handle = await this.#fs.open(temp, "wx", 0o666);
    let isLocked = false;
    let record: Uint8Array;
    try {
      isLocked = await this.#canLock(handle);
      record = encodeRecord(self, randomId(this.#env), isLocked ? KERNEL : undefined);
      await writeAll(handle, record, 0);
      if (!isLocked) await handle.sync();
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
    if (isLocked) return { record, handle };
    // Closed before it is linked: that is when a network file system lets others see the bytes.
    await handle.close();
    return { record, handle: undefined };
  }

  async #link(temp: string, path: string, record: Uint8Array): Promise<boolean> {
    try {
      await this.#fs.link(temp, path);
      return true;
    } catch (error) {
      // It may have been done all the same: NFS can lose the answer, and be told that the name exists when it asks again.
      const [mine, there] = await Promise.all([this.#fs.lstat(temp), this.#fs.lstat(path)]).catch(() => []);
      if (mine && mine.identity === there?.identity) return true;
      if (hasCode(error, "EEXIST")) return false;
      FORSAKEN.add(keyOf(this.#fs, path, record));
      throw error;
    }
  }

  #held(path: string, record: Uint8Array, handle: FileHandle | undefined): UploadLock {
    let done = false;
    const lock: UploadLock = {
      release: async () => {
        if (done) return;
        try {
          // The name first: as long as it is there, the kernel's lock has to say that its owner lives.
          await reported("unlock the upload", path, () => unlinkIfThere(this.#fs, path));
          FORSAKEN.delete(keyOf(this.#fs, path, record));
        } catch (error) {
          FORSAKEN.add(keyOf(this.#fs, path, record));
          throw error;
        } finally {
          done = true;
          openFiles.delete(lock);
          await handle?.close();
        }
      },
    };
    if (handle) openFiles.set(lock, handle);
    return lock;
  }

  async #fileLocks(handle: FileHandle): Promise<FileLocks | undefined> {
    if (this.#o.kernel === false || handle.fd === undefined) return undefined;
    // An optional dependency, without a binary for musl.
    return loadFileLocks().catch(() => undefined);
  }

  /** What has the name of the lock, and who holds it; `undefined` if nothing has. */
  async #look(path: string): Promise<Found | undefined> {
    const handle = await this.#open(path);
    if (!handle) return undefined;
    return closing(handle, async () => {
      const buffer = new Uint8Array(RECORD_LIMIT);
      const record = buffer.subarray(0, await fill(handle, buffer, 0));
      return { record, holder: await this.#judge(path, record, handle) };
    });
  }

  /** For writing where that may be, or there is no asking for the kernel's lock. */
  async #open(path: string): Promise<FileHandle | undefined> {
    for (const flags of ["r+", "r"] as const) {
      try {
        return await this.#fs.open(path, flags);
      } catch (error) {
        if (hasCode(error, "ENOENT")) return undefined;
        if (flags === "r" || !hasCode(error, "EACCES", "EPERM", "EROFS")) throw error;
      }
    }
    return undefined;
  }

  async #judge(path: string, bytes: Uint8Array, handle: FileHandle): Promise<string | undefined> {
    if (FORSAKEN.has(keyOf(this.#fs, path, bytes))) return undefined;
    const record = decodeRecord(bytes);
    if (record.state === "free") return undefined;
    const advice = `if it is gone for certain: rm ${quoted(path)}`;
    if (record.state === "held") {
      const { probe } = this.#o;
      const { owner, kernel } = record;
      const liveness = await probe.liveness(owner);
      if (liveness === "dead") return undefined;
      if (liveness === "alive") return describe(owner);
      const isNear = kernel === KERNEL && sameMachine(owner, await probe.self());
      if (isNear && (await this.#canLock(handle))) return undefined;
      return `${describe(owner)}, which cannot be watched from here; ${advice}`;
    }
    if (record.state === "lost" && (await this.#canLock(handle))) return undefined;
    return `a process that cannot be told; ${advice}`;
  }

  async #canLock(handle: FileHandle): Promise<boolean> {
    const locks = await this.#fileLocks(handle);
    return locks !== undefined && tryFileLock(locks, handle.fd!) === "locked";
  }

  async #break(path: string, { signal }: Signal): Promise<void> {
    const release = await this.#o.lock.acquire({ signal });
    try {
      const now = await this.#look(path);
      if (now && now.holder === undefined) {
        await unlinkIfThere(this.#fs, path);
        FORSAKEN.delete(keyOf(this.#fs, path, now.record));
      }
    } finally {
      await release();
    }
  }
}

/** Node closes a handle that nobody refers to any more, and the kernel's lock would go with it. */
const openFiles = new Map<UploadLock, FileHandle>();

function keyOf({ scope }: FileSystem, path: string, record: Uint8Array): string {
  return `${scope}\0${path}\0${new TextDecoder().decode(record)}`;
}
