import { dirname } from "node:path";
import { OciStoreError } from "@ocistore/core";
import { forCaller, hasCode, reported } from "./errors.ts";
import type { FileHandle, FileSystem } from "./file-system.ts";

/** Writes all of `bytes`, however few the platform takes at a time. The error is the platform's. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await handle.write(bytes, done, bytes.length - done, position + done);
    if (written <= 0) throw new OciStoreError("UNAVAILABLE", "the file system took no bytes and gave no reason");
    done += written;
  }
}

export interface ReplaceOptions {
  /** Where the new file is written first: a name in the same directory that nobody else uses. */
  readonly temp: string;
  readonly mode?: number;
  /** A last look, when all but the rename is done; `false` gives up and leaves the old file as it was. */
  readonly beforeRename?: () => boolean | Promise<boolean>;
}

/**
 * Puts a whole file in place: whoever opens `path`, at any time and after any crash, finds all of the old file or all
 * of the new one. Resolves with `true` when the new one is durable, with `false` if `beforeRename` gave up.
 *
 * The order is what makes that so: the bytes are synced before the name shows them, since a rename may become durable
 * before the data does; the directory is synced after, since a rename that nothing synced may be undone by a crash. A
 * failed sync is never tried again: the kernel may have dropped the pages, and the second one would succeed for nothing.
 * If only the last sync fails, the new file is there and the call has failed all the same.
 */
export function replaceFile(fs: FileSystem, path: string, bytes: Uint8Array, o: ReplaceOptions): Promise<boolean> {
  return reported("replace the file", path, async () => {
    const handle = await fs.open(o.temp, "wx", o.mode);
    try {
      await closing(handle, async () => {
        await writeAll(handle, bytes, 0);
        await handle.sync();
      });
      if (o.beforeRename !== undefined && !(await o.beforeRename())) {
        await fs.unlink(o.temp);
        return false;
      }
      await fs.rename(o.temp, path);
    } catch (error) {
      await discard(fs, o.temp, error);
      throw error;
    }
    await fs.syncDirectory(dirname(path));
    return true;
  });
}

/**
 * Makes a whole, durable file, unless the name is taken: then nothing changes, and the answer is `false`. Of several that
 * try at once one succeeds.
 */
export function createFile(
  fs: FileSystem,
  path: string,
  bytes: Uint8Array,
  o: { readonly temp: string },
): Promise<boolean> {
  return reported("make the file", path, async () => {
    let made = true;
    const handle = await fs.open(o.temp, "wx");
    try {
      await closing(handle, async () => {
        await writeAll(handle, bytes, 0);
        await handle.sync();
      });
      await fs.link(o.temp, path);
    } catch (error) {
      made = false;
      if (!hasCode(error, "EEXIST")) {
        await discard(fs, o.temp, error);
        throw error;
      }
    }
    await fs.unlink(o.temp);
    await fs.syncDirectory(dirname(path));
    return made;
  });
}

/**
 * A directory that is there and durable, made if it is not; whether it was made. The parent is synced in either case:
 * who made it may have died before doing so. A link to a directory is refused with `LAYOUT_INVALID`.
 */
export function makeDirectory(fs: FileSystem, path: string): Promise<boolean> {
  return reported("make the directory", path, async () => {
    const made = await fs.mkdir(path);
    if (!made && (await fs.lstat(path))?.kind !== "directory") {
      throw new OciStoreError("LAYOUT_INVALID", `not a directory: ${path}`, { path });
    }
    await fs.syncDirectory(dirname(path));
    return made;
  });
}

/**
 * The directories of a store, each made and synced at its first use in this process: one that is there may have been made by
 * somebody who died before its entry was durable.
 */
export class Directories {
  readonly #fs: FileSystem;
  readonly #ready = new Set<string>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** Parents first. @throws `LAYOUT_INVALID` if something else has the name, a link to a directory included. */
  async ensure(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const isThere = async () =>
        (await reported("look at the directory", path, () => this.#fs.lstat(path)))?.kind === "directory";
      if (this.#ready.has(path) && (await isThere())) continue;
      await makeDirectory(this.#fs, path).catch((error: unknown) => {
        // The store has gone, and must not become an empty one.
        throw forCaller(error, "make the directory", path);
      });
      this.#ready.add(path);
    }
  }
}

/** Closes the handle whatever happens in `run`, and reports the failure of the close if there was no earlier one. */
export async function closing<T>(handle: Pick<FileHandle, "close">, run: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await run();
  } catch (error) {
    // The first failure is the one to report; the descriptor is freed even where close complains.
    await handle.close().catch(() => undefined);
    throw error;
  }
  await handle.close();
  return result;
}

/** Removes a file that is of no more use because of `reason`; if that fails too, one error tells of both. */
async function discard(fs: FileSystem, path: string, reason: unknown): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    if (reason instanceof Error && reason.cause === undefined) reason.cause = error;
  }
}
