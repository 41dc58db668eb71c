import { randomBytes } from "node:crypto";
import { open, realpath, rename, rm, stat } from "node:fs/promises";
import type { Bytes } from "@ocistore/core";
import { notFound, refused } from "./errors.ts";
import { isThere, writing } from "./files.ts";

/** The file has its name only when all of it is there and has been checked. A link to a file is the user's own, and followed. */
export async function writeWhole(file: string, bytes: Bytes, onBytes?: (done: number) => void): Promise<number> {
  const path = (await isThere(file)) ? await regular(file) : file;
  const temp = `${path}.${randomBytes(6).toString("hex")}.part`;
  let done = 0;
  try {
    await writing(path, async () => {
      const handle = await open(temp, "wx");
      try {
        for await (const piece of bytes) {
          await handle.writeFile(piece);
          done += piece.length;
          onBytes?.(done);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temp, path);
    });
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(`no directory for ${path}`);
    throw error;
  }
  return done;
}

/** A device or a pipe is not to be replaced by a file. */
async function regular(file: string): Promise<string> {
  if (!(await stat(file)).isFile()) throw refused(`not a regular file: ${file}`);
  return realpath(file);
}
