import type { Ms, Signal } from "@ocistore/core";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { regularFiles, unlinkIfThere } from "../files/listing.ts";
import type { Paths } from "../layout/paths.ts";

/** What was not finished for so long is not being written any more: whoever was at it has died. */
export const ABANDONED: Ms = 60 * 60_000;

/**
 * Removes new versions of files that never took the name. One that is being written is young; if its writer has been stopped for
 * so long, its rename fails, and the old version stays.
 */
export async function sweepFresh(fs: FileSystem, paths: Paths, o: Signal & { readonly now: Ms }): Promise<void> {
  for await (const { name, path, stat } of regularFiles(fs, paths.ours)) {
    o.signal?.throwIfAborted();
    if (!name.endsWith(".new") || stat.modified > o.now - ABANDONED) continue;
    await reported("remove a file that was never finished", path, () => unlinkIfThere(fs, path));
  }
}
