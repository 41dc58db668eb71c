import { dirname, join } from "node:path";
import type { Directories } from "../files/durable.ts";
import { hasCode, reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import type { Paths } from "../layout/paths.ts";

/**
 * Where a repair puts what is of no use: `.ocistore/damaged/<name>.<number>`. First a second name there, durably, and only
 * then does the first one go; so whatever dies in between leaves both, and the next attempt finds what it did.
 */
export class Aside {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #directories: Directories;

  constructor(fs: FileSystem, paths: Paths, directories: Directories) {
    this.#fs = fs;
    this.#paths = paths;
    this.#directories = directories;
  }

  /** Gives the file a second name; where, or `undefined` if there is no such file. */
  async keep(path: string, name: string): Promise<string | undefined> {
    const { ours, damaged } = this.#paths;
    return reported("set the file aside", path, async () => {
      const mine = await this.#fs.lstat(path);
      if (!mine) return undefined;
      await this.#directories.ensure(ours, damaged);
      for (let number = 1; ; number++) {
        const kept = join(damaged, `${name}.${number}`);
        const there = await this.#fs.lstat(kept);
        if (there && there.identity !== mine.identity) continue;
        try {
          if (!there) await this.#fs.link(path, kept);
        } catch (error) {
          if (hasCode(error, "EEXIST")) continue;
          throw error;
        }
        await this.#fs.syncDirectory(damaged);
        return kept;
      }
    });
  }

  /** The same, and the first name goes. */
  async move(path: string, name: string): Promise<string | undefined> {
    const kept = await this.keep(path, name);
    await reported("set the file aside", path, async () => {
      await unlinkIfThere(this.#fs, path);
      await this.#fs.syncDirectory(dirname(path));
    });
    return kept;
  }
}
