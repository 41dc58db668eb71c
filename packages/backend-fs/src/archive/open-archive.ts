import { resolve } from "node:path";
import { type Environment, OciStoreError, type Signal, type Store } from "@ocistore/core";
import { hasCode, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { nodeFileSystem } from "../files/node-file-system.ts";
import type { Lock } from "../lock/lock.ts";
import { openLayout } from "../open.ts";
import { archiveFileSystem } from "./archive-file-system.ts";

/**
 * Opens a tar archive of an image layout as a store that is only read, without unpacking it: its headers are read once,
 * and of its content what is asked for. Whatever would change it is refused with `READ_ONLY`.
 *
 * @param file A regular file; a link to one is followed, as it is the caller's own.
 * @throws `NOT_FOUND`; `UNSUPPORTED` if it is compressed, sparse or an archive of another kind, and says what to do;
 * `LAYOUT_INVALID` if it is no archive of a layout, or a hostile one; `CORRUPT` if it is cut off.
 *
 * @example
 * const archive = await openArchive("image.tar");
 * const image = await archive.repository().manifest("v1");
 * await archive.close();
 */
export async function openArchive(
  file: string,
  o: Signal & { readonly env?: Environment | undefined; readonly fs?: FileSystem | undefined } = {},
): Promise<Store> {
  const disk = o.fs ?? nodeFileSystem();
  const path = await realFile(disk, file);
  const fs = await archiveFileSystem(disk, path, o);
  return openLayout(path, { fs, env: o.env, readOnly: true, lock: noLock(path) });
}

async function realFile(fs: FileSystem, file: string): Promise<string> {
  try {
    return await fs.realpath(resolve(file));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw toOciStoreError(error, "find the archive", file);
    throw new OciStoreError("NOT_FOUND", `no such file: ${file}`, { path: file }, { cause: error });
  }
}

/** What is only read needs none. */
function noLock(path: string): Lock {
  return {
    acquire: async () => {
      throw new OciStoreError("READ_ONLY", `an archive is only read: ${path}`, { path });
    },
  };
}
