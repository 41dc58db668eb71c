import { basename, dirname, join } from "node:path";
import type { Environment } from "@ocistore/core";
import { forCaller } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { enterKernelLock, type FileLocks, loadFileLocks, noKernelLocks } from "./kernel-lock.ts";
import { type LinkLockOptions, linkLock } from "./link-lock.ts";
import type { Lock } from "./lock.ts";
import { exclusiveHere } from "./mutex.ts";
import type { OwnerProbe } from "./owner.ts";
import { processProbe } from "./process-owner.ts";

export interface OpenLockOptions {
  /**
   * `kernel`: `UNSUPPORTED` without the kernel's help. `link`: without it in any case. Unless given, with it where it
   * can be had. This is only about how soon a dead holder is noticed: all kinds exclude each other.
   */
  readonly kind?: "kernel" | "link" | undefined;
  /** What is known about processes: those of this machine, unless a test knows better. */
  readonly probe?: OwnerProbe | undefined;
}

/**
 * The lock of the store, in a directory of its own at `path`. Nothing is made before the first `acquire`, and then only
 * that directory: the one it lies in has to be there.
 *
 * There is one lock, the numbered one of link-lock.ts, that every process takes. Where fs-native-extensions loads and
 * the file system has kernel locks, a process takes the kernel's lock first, on a file beside the numbers. It learns by
 * that at once, and for certain, that an earlier such holder is dead, even one of another container. Two kinds of lock
 * that do not know of each other would let two processes in; a note in the directory of which kind is in use would shut
 * the others out, as an Alpine container next to a glibc host; this costs a few file calls.
 */
export async function openLock(fs: FileSystem, path: string, env: Environment, o: OpenLockOptions = {}): Promise<Lock> {
  const { kind, probe = processProbe() } = o;
  const kernel = kind === "link" ? undefined : await kernelHelp(fs, path, kind === "kernel");
  const inner = linkLock(fs, path, env, { probe, kernel });
  const key = async () => {
    try {
      return join(await fs.realpath(dirname(path)), basename(path)); // the directory itself may not be there yet
    } catch (error) {
      throw forCaller(error, "take the lock", path);
    }
  };
  return exclusiveHere(fs.scope, key, env, path, inner);
}

async function kernelHelp(fs: FileSystem, directory: string, required: boolean): Promise<LinkLockOptions["kernel"]> {
  const path = join(directory, "kernel");
  let locks: FileLocks;
  try {
    locks = await loadFileLocks();
  } catch (error) {
    if (required) throw noKernelLocks(path, error);
    return undefined; // an optional dependency, without a binary for musl
  }
  return async (patience, busy) => {
    const pass = await enterKernelLock(fs, path, locks, patience, busy);
    if (pass === undefined && required) throw noKernelLocks(path);
    return pass;
  };
}
