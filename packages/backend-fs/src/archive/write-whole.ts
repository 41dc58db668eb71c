import { dirname, join, resolve } from "node:path";
import { type Bytes, type Environment, OciStoreError, randomId } from "@ocistore/core";
import { closing, writeAll } from "../files/durable.ts";
import { hasCode, reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";

/**
 * Writes a stream into a file that is there whole and durable in the end, or not at all; what had the name before stays
 * until then. A link to a file is followed, as it is the user's own.
 *
 * @throws `LAYOUT_INVALID` if something other than a regular file has the name: a device, say, must not be replaced.
 */
export async function writeWhole(
  fs: FileSystem,
  file: string,
  bytes: Bytes,
  o: { readonly env: Environment; readonly onBytes?: (done: number) => void },
): Promise<void> {
  const path = await realTarget(fs, resolve(file));
  const temp = join(dirname(path), `.ocistore-${randomId(o.env, 8)}.part`);
  await reported("write the file", path, async () => {
    try {
      await spill(fs, temp, bytes, { ...o, sync: true });
      await fs.rename(temp, path);
    } catch (error) {
      // The first failure is the one to report.
      await unlinkIfThere(fs, temp).catch(() => {});
      throw error;
    }
    await fs.syncDirectory(dirname(path));
  });
}

/** Writes a stream into a new file. What is there of it when that fails is the caller's to remove. */
export async function spill(
  fs: FileSystem,
  path: string,
  bytes: Bytes,
  o: { readonly onBytes?: (done: number) => void; readonly sync?: boolean; readonly mode?: number },
): Promise<void> {
  const handle = await fs.open(path, "wx", o.mode);
  await closing(handle, async () => {
    let done = 0;
    for await (const piece of bytes) {
      await writeAll(handle, piece, done);
      done += piece.length;
      o.onBytes?.(done);
    }
    if (o.sync) await handle.sync();
  });
}

async function realTarget(fs: FileSystem, path: string): Promise<string> {
  const real = await reported("find the file", path, async () => {
    try {
      return await fs.realpath(path);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  });
  const look = (at: string) => reported("look at the file", at, () => fs.lstat(at));
  const stat = real === undefined ? undefined : await look(real);
  if (real === undefined && (await look(path)))
    throw new OciStoreError("LAYOUT_INVALID", `a link that leads nowhere: ${path}`, { path });
  if (stat && stat.kind !== "file") throw new OciStoreError("LAYOUT_INVALID", `not a regular file: ${path}`, { path });
  if (real === undefined && !(await look(dirname(path))))
    throw new OciStoreError("NOT_FOUND", `no such directory: ${dirname(path)}`, { path: dirname(path) });
  return real ?? path;
}
