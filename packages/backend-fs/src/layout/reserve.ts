import { join } from "node:path";
import { isOciStoreError } from "@ocistore/core";
import { closing, writeAll } from "../files/durable.ts";
import { hasCode, reported, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import type { Paths } from "./paths.ts";

/** Enough for the records of a collection, each in a block of its own. */
const RECORDS = 64 * 1024;

/**
 * Space that is kept for deleting. That needs some itself: a record in the lock, a lease, the record of the run and the next
 * index.json; and without it nothing could be deleted from a disk that is full to the last block. It is a file that is only
 * there to be removed: by who deletes and finds no space. Who stores something makes it anew.
 *
 * It lies beside the records of the lock. On a file system that compresses, or writes nothing in place, it holds less than it
 * seems to.
 */
export class Reserve {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  #isMade = false;

  constructor(fs: FileSystem, paths: Paths) {
    this.#fs = fs;
    this.#paths = paths;
  }

  get #path(): string {
    return join(this.#paths.lock, "reserve");
  }

  /** For the holder of the lock. It is no reason for anything to fail that there is none. */
  async make(): Promise<void> {
    if (this.#isMade) return;
    this.#isMade = true;
    try {
      const index = await this.#fs.lstat(this.#paths.index);
      const wanted = RECORDS + 2 * (index?.size ?? 0);
      const there = await this.#fs.lstat(this.#path);
      if (there && there.size >= wanted / 2) return;
      await unlinkIfThere(this.#fs, this.#path);
      await this.#write(wanted);
    } catch (error) {
      if (!isOciStoreError(toOciStoreError(error, "keep space", this.#path)) && !hasCode(error, "ENOENT")) throw error;
    }
  }

  async #write(size: number): Promise<void> {
    const handle = await this.#fs.open(this.#path, "wx");
    try {
      // Not zeros, for which some file systems keep no space.
      await closing(handle, () => writeAll(handle, new Uint8Array(size).fill(0x5a), 0));
    } catch (error) {
      await unlinkIfThere(this.#fs, this.#path);
      throw error;
    }
  }

  /** Gives the space away; whether there was any. */
  async spend(): Promise<boolean> {
    this.#isMade = false;
    return reported("make space", this.#path, async () => {
      try {
        await this.#fs.unlink(this.#path);
        return true;
      } catch (error) {
        if (hasCode(error, "ENOENT")) return false;
        throw error;
      }
    });
  }
}
