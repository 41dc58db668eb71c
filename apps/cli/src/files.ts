import { stat } from "node:fs/promises";
import { reported } from "@ocistore/backend-fs";
import { isOciStoreError } from "@ocistore/core";
import { refused } from "./errors.ts";

/** Whether anything has this name. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/** Writes a file of the user's own, which fails as one of a store does: with a code, its path, and what to do about it. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await reported("write the file", path, work);
  } catch (error) {
    // A name too long, or through something that is no directory: that is no layout.
    if (isOciStoreError(error, "LAYOUT_INVALID") && error.data.path === path) throw refused(error.message);
    throw error;
  }
}
