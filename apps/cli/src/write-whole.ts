import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import type { Bytes } from "@ocistore/core";
import { notFound } from "./errors.ts";

/** The file has its name only when all of it is there and has been checked. */
export async function writeWhole(path: string, bytes: Bytes, onBytes: (done: number) => void): Promise<number> {
  const temp = `${path}.${randomBytes(6).toString("hex")}.part`;
  let done = 0;
  try {
    const handle = await open(temp, "wx");
    try {
      for await (const piece of bytes) {
        await handle.writeFile(piece);
        done += piece.length;
        onBytes(done);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {});
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(`no directory for ${path}`);
    throw error;
  }
  return done;
}
