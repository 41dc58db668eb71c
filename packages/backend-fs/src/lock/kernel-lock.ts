import { OciStoreError } from "@ocistore/core";
import { hasCode, reported } from "../files/errors.ts";
import type { FileHandle, FileSystem } from "../files/file-system.ts";
import type { Holder } from "./lock.ts";
import type { Patience } from "./patience.ts";

/** The part of fs-native-extensions that is used: `fcntl` locks of an open file on Linux, `flock` on macOS. */
export interface FileLocks {
  tryLock(fd: number): boolean;
  unlock(fd: number): void;
}

/** The package has its binaries for glibc, macOS and Windows with it. Rejects where it is absent or does not load. */
export async function loadFileLocks(): Promise<FileLocks> {
  // @ts-expect-error -- the package has no types
  const module = await import("fs-native-extensions");
  return (module.default ?? module) as FileLocks;
}

/** A kernel lock that is held. */
export interface Pass {
  /** Which lock: another value if someone deleted the file and so made a second lock of it. */
  readonly lock: string;
  leave(): Promise<void>;
}

/** What a file system says that has no locks. Some have them on some servers only, so one learns it by trying. */
const UNSUPPORTED = ["ENOLCK", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"];
const BUSY = ["EAGAIN", "EWOULDBLOCK", "EACCES", "EBUSY"];

/** Node closes a handle that nobody refers to any more, and the lock would go with it. */
const held = new Set<FileHandle>();

/**
 * Takes the kernel's lock on the file at `path`, which is made if need be and never deleted. The kernel frees it at
 * the latest when the process dies, however it dies. `undefined` if this file system has no such locks.
 *
 * This asks again and again instead of waiting in the kernel, because a wait there cannot be aborted, and would keep
 * one of Node's few threads for file calls, which the holder in the same process may need in order to let go.
 */
export function enterKernelLock(
  fs: FileSystem,
  path: string,
  locks: FileLocks,
  patience: Patience,
  busy: () => Promise<Holder>,
): Promise<Pass | undefined> {
  const enter = async () => {
    for (;;) {
      patience.signal?.throwIfAborted();
      const handle = await openLockFile(fs, path);
      let entered = false;
      try {
        const { fd } = handle;
        if (fd === undefined) return undefined;
        for (;;) {
          const answer = tryFileLock(locks, fd);
          if (answer === "unsupported") return undefined;
          if (answer === "locked") break;
          await patience.pause(await busy());
        }
        // Someone may have deleted the file since we opened it; then this is a lock that nobody else will ask for.
        const { identity } = await handle.stat();
        if ((await fs.lstat(path))?.identity !== identity) continue;
        held.add(handle);
        entered = true;
        // The device number may differ after a restart; the number of the file does not.
        return {
          lock: identity.slice(identity.indexOf(":") + 1),
          leave: () => leave(handle, path, () => locks.unlock(fd)),
        };
      } finally {
        if (!entered) await handle.close();
      }
    }
  };
  return reported("lock the file", path, enter, patience.signal);
}

/** For who asked for the kernel's lock by name, and so not for the other one. */
export function noKernelLocks(path: string, cause?: unknown): OciStoreError {
  const message = "no kernel locks here: fs-native-extensions does not load, or the file system has none";
  return new OciStoreError("UNSUPPORTED", `${message}: ${path}`, { path }, { cause });
}

async function openLockFile(fs: FileSystem, path: string): Promise<FileHandle> {
  for (;;) {
    try {
      return await fs.open(path, "r+");
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
    try {
      // Everybody who may write to the store has to be able to open it for writing, as far as their umask agrees.
      await (await fs.open(path, "wx", 0o666)).close();
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

/** Tries once to take the kernel's lock on an open file. */
export function tryFileLock(locks: FileLocks, fd: number): "locked" | "busy" | "unsupported" {
  try {
    return locks.tryLock(fd) ? "locked" : "busy";
  } catch (error) {
    if (hasCode(error, ...BUSY)) return "busy";
    if (hasCode(error, ...UNSUPPORTED)) return "unsupported";
    throw error;
  }
}

async function leave(handle: FileHandle, path: string, unlock: () => void): Promise<void> {
  if (!held.delete(handle)) return;
  await reported("unlock the file", path, async () => {
    try {
      // Closing would do on POSIX; Windows frees a lock only some time after the handle that has it.
      unlock();
    } finally {
      await handle.close();
    }
  });
}
