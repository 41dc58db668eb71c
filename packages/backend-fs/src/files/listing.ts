import { join } from "node:path";
import { OciStoreError } from "@ocistore/core";
import { hasCode, reported, toOciStoreError } from "./errors.ts";
import type { DirectoryEntry, FileStat, FileSystem } from "./file-system.ts";

/** So many are looked at together: a disk answers several questions in the time of one. */
const WAVE = 1024;

/** What lies there, if it is a file; a link, a directory or a device is no content. @throws `LAYOUT_INVALID` */
export async function regular(fs: FileSystem, path: string): Promise<FileStat | undefined> {
  const stat = await reported("look at the file", path, () => fs.lstat(path));
  if (stat && stat.kind !== "file") throw new OciStoreError("LAYOUT_INVALID", `not a regular file: ${path}`, { path });
  return stat;
}

/**
 * The entries of a directory; none if there is no such directory. A link in its place is not followed, since what is found is
 * erased now and then.
 *
 * @throws `LAYOUT_INVALID` if something else has the name.
 */
export async function entriesOf(fs: FileSystem, directory: string): Promise<readonly DirectoryEntry[]> {
  const stat = await reported("look at the directory", directory, () => fs.lstat(directory));
  if (!stat) return [];
  if (stat.kind !== "directory") {
    throw new OciStoreError("LAYOUT_INVALID", `not a directory: ${directory}`, { path: directory });
  }
  const entries: DirectoryEntry[] = [];
  try {
    for await (const entry of fs.readdir(directory)) entries.push(entry);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw toOciStoreError(error, "list the directory", directory);
  }
  return entries;
}

/** The regular files of a directory, as {@link entriesOf}. What goes meanwhile is left out. */
export async function* regularFiles(
  fs: FileSystem,
  directory: string,
): AsyncGenerator<{ readonly name: string; readonly path: string; readonly stat: FileStat }> {
  const files = (await entriesOf(fs, directory)).filter(({ kind }) => kind === "file");
  for (let at = 0; at < files.length; at += WAVE) {
    const wave = files.slice(at, at + WAVE).map(async ({ name }) => {
      const path = join(directory, name);
      return { name, path, stat: await reported("look at the file", path, () => fs.lstat(path)) };
    });
    for (const { name, path, stat } of await Promise.all(wave)) {
      if (stat?.kind === "file") yield { name, path, stat };
    }
  }
}

/** Removes a file that may be gone already. */
export async function unlinkIfThere(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
