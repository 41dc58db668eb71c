import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeFileSystem } from "@ocistore/backend-fs";
import { Clock, type Locking, type Place } from "../world.ts";

/** Directories of the real disk, one for each try. */
export class RealPlaces {
  readonly base: string;
  #made = 0;

  private constructor(base: string) {
    this.base = base;
  }

  static async make(): Promise<RealPlaces> {
    return new RealPlaces(await mkdtemp(join(tmpdir(), "ocistore-crash-")));
  }

  /** @param from What it begins with; nothing unless given. */
  async place(o: { readonly from?: string; readonly ahead?: number; readonly lock?: Locking } = {}): Promise<Place> {
    const number = ++this.#made;
    const directory = join(this.base, String(number), "layout");
    // Killed before it was made, there is none.
    if (o.from !== undefined && existsSync(o.from))
      await cp(o.from, directory, { recursive: true, preserveTimestamps: true });
    const clock = new Clock(Date.now, number, o.ahead);
    return { directory, clock, fileSystem: () => nodeFileSystem(), lock: o.lock ?? "real" };
  }

  remove(): Promise<void> {
    return rm(this.base, { recursive: true, force: true });
  }
}
