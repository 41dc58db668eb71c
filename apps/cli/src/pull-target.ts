import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { link, lstat, mkdir, open, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Bytes } from "@ocistore/core";
import { refused } from "./errors.ts";
import { writing } from "./files.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";

/** How file systems say that they have no second names for a file: FAT, and some that lie on other machines. */
const NO_LINKS = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/**
 * A directory that is to get files with names that somebody else has chosen. A link to the directory is the user's own and
 * is followed; a link in it never is. All files get their names together, once all of them are there and durable.
 */
export class PullTarget {
  readonly #directory: string;
  readonly #overwrite: boolean;
  readonly #link: typeof link;
  readonly #made: string[] = [];
  readonly #staged: { readonly temp: string; readonly path: string; readonly title: string }[] = [];
  #root: string | undefined;

  constructor(directory: string, o: { readonly overwrite: boolean; readonly link?: typeof link }) {
    this.#directory = directory;
    this.#overwrite = o.overwrite;
    this.#link = o.link ?? link;
  }

  /** Looks whether the titles can be written; changes nothing. @throws REFUSED */
  async check(titles: readonly string[]): Promise<void> {
    await isDirectory(this.#directory);
    for (const title of titles) {
      const names = title.split("/");
      let at = this.#directory;
      for (const name of names.slice(0, -1)) {
        at = join(at, name);
        const found = await lookAt(at);
        if (!found) break;
        if (!found.isDirectory()) throw notDirectory(at, title);
      }
      if (at === join(this.#directory, ...names.slice(0, -1))) await this.#checkFile(join(at, names.at(-1)!));
    }
  }

  /** Writes a file under a name of its own, beside where it is to be. `bytes` have to fail if they are not what they should be. */
  async stage(title: string, bytes: Bytes, onBytes: (done: number) => void): Promise<void> {
    const names = title.split("/");
    let at = await this.#openRoot();
    for (const name of names.slice(0, -1)) {
      at = join(at, name);
      await this.#enter(at, title);
    }
    const temp = join(at, `.${randomBytes(8).toString("hex")}.part`);
    const path = join(at, names.at(-1)!);
    this.#staged.push({ temp, path, title });
    await writing(path, async () => {
      const file = await open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666);
      try {
        let done = 0;
        for await (const piece of bytes) {
          await file.writeFile(piece);
          done += piece.length;
          onBytes(done);
        }
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  /** Gives the files their names. @throws REFUSED if a name has been taken meanwhile. */
  async publish(): Promise<void> {
    for (let next = this.#staged[0]; next; next = this.#staged[0]) {
      const { temp, path } = next;
      await writing(path, async () => {
        if (this.#overwrite) {
          await this.#checkFile(path);
          await rename(temp, path);
        } else {
          await this.#name(temp, path);
        }
        this.#staged.shift();
        await syncDirectory(dirname(path));
      });
    }
    for (const directory of this.#made) await syncDirectory(dirname(directory));
    this.#made.length = 0;
  }

  /** Takes away what has no name of its own yet, and the directories that were made for it. */
  async discard(): Promise<void> {
    for (const { temp } of this.#staged) await rm(temp, { force: true });
    for (const directory of this.#made.reverse()) {
      await rmdir(directory).catch((error: unknown) => {
        if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(codeOf(error))) throw error;
      });
    }
  }

  /** Gives it a name that nothing else has, not even a link that leads nowhere. @throws REFUSED */
  async #name(temp: string, path: string): Promise<void> {
    try {
      await this.#link(temp, path).catch((error: unknown) => {
        if (!NO_LINKS.includes(codeOf(error))) throw error;
        return renameToNew(temp, path);
      });
    } catch (error) {
      throw codeOf(error) === "EEXIST" ? isThere(path) : error;
    }
    await rm(temp, { force: true });
  }

  async #checkFile(path: string): Promise<void> {
    const found = await lookAt(path);
    if (!found) return;
    if (!this.#overwrite) throw isThere(path);
    if (!found.isFile() && !found.isSymbolicLink()) throw refused(`${path} is there and is no file`);
  }

  async #openRoot(): Promise<string> {
    if (this.#root === undefined) {
      await this.#make(this.#directory);
      this.#root = await realpath(this.#directory);
    }
    return this.#root;
  }

  /** With all that is above it. */
  async #make(directory: string): Promise<void> {
    if (await isDirectory(directory)) return;
    await this.#make(dirname(directory));
    await writing(directory, () => mkdir(directory));
    this.#made.push(directory);
  }

  /** One directory further, which is made if need be, and is none that a link leads to. */
  async #enter(directory: string, title: string): Promise<void> {
    await writing(directory, async () => {
      try {
        await mkdir(directory);
        this.#made.push(directory);
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error;
        if (!(await lstat(directory)).isDirectory()) throw notDirectory(directory, title);
      }
    });
  }
}

function isThere(path: string) {
  return refused(`${path} is there already`, "--overwrite to replace it, or -o DIR for another directory");
}

function notDirectory(path: string, title: string) {
  return refused(`${path} is no directory of its own, and ${title} would be written through it`);
}

/** `false`: nothing is there, and it can be made. @throws REFUSED of the first on the way that is something else. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
    throw refused(`${path} is no directory`, "-o DIR for another");
  } catch (error) {
    if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(codeOf(error))) throw error;
  }
  await isDirectory(dirname(path));
  if (!(await lookAt(path))) return false;
  throw refused(`${path} is a link that leads nowhere`, "make the directory that it leads to, or -o DIR for another");
}

async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    if (codeOf(error) === "ENOTDIR") throw refused(`${dirname(path)} is no directory`);
    throw error;
  }
}

/** An empty file takes the name, which fails if anything has it and follows no link, and is replaced at once. */
async function renameToNew(temp: string, path: string): Promise<void> {
  await (await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)).close();
  try {
    await rename(temp, path);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
