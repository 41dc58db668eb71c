import { reported } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";

/**
 * Makes durable what others have left in directories. Whoever gave a file its name may have died before that was durable, or the
 * sync has failed; what is built on such a name, or answered because of it, would be lost with it.
 *
 * A directory is synced at its first use, and again when its time says that somebody else has changed it. For the holder of the
 * lock: nobody of ours changes anything meanwhile.
 */
export class Settled {
  readonly #fs: FileSystem;
  readonly #known = new Map<string, string>();

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  async settle(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const state = await this.#stateOf(path);
      if (state === undefined || state === this.#known.get(path)) continue;
      await reported("make the directory durable", path, () => this.#fs.syncDirectory(path));
      this.#known.set(path, state);
    }
  }

  /** They have been changed and synced by us. */
  async note(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const state = await this.#stateOf(path);
      if (state !== undefined) this.#known.set(path, state);
    }
  }

  /** Something has failed, and nobody knows what is durable. */
  forget(): void {
    this.#known.clear();
  }

  async #stateOf(path: string): Promise<string | undefined> {
    const stat = await reported("look at the directory", path, () => this.#fs.lstat(path));
    return stat?.kind === "directory" ? `${stat.identity} ${stat.modified}` : undefined;
  }
}
