import { basename, resolve } from "node:path";
import { type BlobBytesFrom, type DescribedBlob, OciStoreError, type Signal } from "@ocistore/core";
import { hasCode, toOciStoreError } from "./files/errors.ts";
import type { FileSystem } from "./files/file-system.ts";
import { nodeFileSystem } from "./files/node-file-system.ts";
import { readChunks } from "./files/read.ts";

/**
 * A file as the source of a blob: its size is checked while it is read, and its name is the title.
 *
 * @throws `NOT_FOUND`, `LAYOUT_INVALID` if it is no regular file.
 *
 * @example
 * const layer = await session.putBlob(await fromFile("plugin.wasm", { mediaType: "application/wasm" }));
 */
export async function fromFile(
  path: string,
  o: Signal & {
    readonly mediaType?: string | undefined;
    readonly title?: string | undefined;
    readonly fs?: FileSystem;
  } = {},
): Promise<DescribedBlob & { readonly stream: BlobBytesFrom; readonly size: number }> {
  const fs = o.fs ?? nodeFileSystem();
  const real = await realFile(fs, path);
  const stat = await fs.lstat(real);
  if (stat?.kind !== "file") throw new OciStoreError("LAYOUT_INVALID", `not a regular file: ${path}`, { path });
  return {
    stream: (start) => readChunks(fs, real, { signal: o.signal, start }),
    size: stat.size,
    mediaType: o.mediaType,
    annotations: { "org.opencontainers.image.title": o.title ?? basename(path) },
  };
}

/** A link that the user names is followed; it is the user's own. */
async function realFile(fs: FileSystem, path: string): Promise<string> {
  try {
    return await fs.realpath(resolve(path));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw toOciStoreError(error, "find the file", path);
    throw new OciStoreError("NOT_FOUND", `no such file: ${path}`, { path }, { cause: error });
  }
}
