import { join } from "node:path";
import { type Environment, OciStoreError, randomId } from "@ocistore/core";
import { closing, replaceFile, writeAll } from "../files/durable.ts";
import { hasCode } from "../files/errors.ts";
import type { FileHandle, FileSystem } from "../files/file-system.ts";
import { fill } from "../files/read.ts";
import { decodeRecord, FREE, type LockRecord, RECORD_LIMIT } from "./record.ts";

const NUMBERED = /^\d{16}$/;
/** A record before it gets its number, or a new floor before it is one: `NUMBER.RANDOM`. */
const TEMPORARY = /^(\d{16})\.[0-9a-f]+$/;

/** A record of our own: its number and its text, which is like no other. */
export interface Mine {
  readonly number: number;
  readonly record: Uint8Array;
}

/**
 * The files of the numbered lock; link-lock.ts says what they mean and why this is safe. Errors are the platform's.
 */
export class LockFiles {
  readonly #fs: FileSystem;
  readonly #env: Environment;
  readonly #directory: string;

  constructor(fs: FileSystem, env: Environment, directory: string) {
    this.#fs = fs;
    this.#env = env;
    this.#directory = directory;
  }

  pathOf(number: number): string {
    return join(this.#directory, name(number));
  }

  /**
   * The directory of the lock, though not the one it lies in. It is not made durable: after a crash of the machine no
   * lock is held, and one directory is as good as another.
   */
  async makeDirectory(): Promise<void> {
    await this.#fs.mkdir(this.#directory);
  }

  /** The numbers that a listing shows, in no order. */
  async numbers(): Promise<number[]> {
    const numbers: number[] = [];
    for await (const entry of this.#fs.readdir(this.#directory)) {
      if (NUMBERED.test(entry.name)) numbers.push(Number(entry.name));
    }
    return numbers;
  }

  /** `undefined` if there is no such file, or not any more. */
  async read(number: number): Promise<LockRecord | undefined> {
    const bytes = await this.#content(this.pathOf(number), RECORD_LIMIT);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }

  async has(number: number): Promise<boolean> {
    return (await this.#fs.lstat(this.pathOf(number))) !== undefined;
  }

  /** Gives a record its number, all of it at once; `false` if the number is taken. */
  async make({ number, record }: Mine, durable: boolean): Promise<boolean> {
    const temp = this.#temporary(number);
    // Closed before it is linked: that is when a network file system lets others see the bytes.
    const handle = await this.#fs.open(temp, "wx");
    try {
      await closing(handle, async () => {
        await writeAll(handle, record, 0);
        if (durable) await handle.sync();
      });
      return await this.#link(temp, number);
    } finally {
      await this.#remove(temp);
    }
  }

  async #link(temp: string, number: number): Promise<boolean> {
    const path = this.pathOf(number);
    try {
      await this.#fs.link(temp, path);
      return true;
    } catch (error) {
      if (hasCode(error, "ENOENT")) return false; // the temporary file was tidied away: try again with another
      if (!hasCode(error, "EEXIST")) throw error;
      // NFS may do it, lose the answer, ask again and be told that the name exists: it is then ours nevertheless.
      const [mine, there] = [await this.#fs.lstat(temp), await this.#fs.lstat(path)];
      return mine !== undefined && mine.identity === there?.identity;
    }
  }

  /** Writes `free` over one's own record; `false` if it is there no more, or says something else. */
  async free({ number, record }: Mine): Promise<boolean> {
    const handle = await this.#open(this.pathOf(number), "r+");
    if (handle === undefined) return false;
    // Looked at through the handle that is written to: nobody can put another file in between.
    return closing(handle, async () => {
      const there = new Uint8Array(record.length);
      await fill(handle, there, 0);
      if (there.some((byte, at) => byte !== record[at])) return false;
      await writeAll(handle, FREE, 0);
      return true;
    });
  }

  /** Every number up to this one is retired. Only ever raised, and only by a holder. */
  async floor(): Promise<number> {
    const path = this.#floorPath();
    const bytes = await this.#content(path, 64);
    if (bytes === undefined) return 0;
    const text = new TextDecoder().decode(bytes).trim();
    if (NUMBERED.test(text)) return Number(text);
    const advice = "while no process uses the store, delete the directory that it lies in";
    throw new OciStoreError("LAYOUT_INVALID", `damaged lock file; ${advice}: ${path}`, { path });
  }

  /** For the holder of `number`: retires all lower ones. The new floor is durable before the first file goes. */
  async tidy(number: number): Promise<void> {
    const floor = new TextEncoder().encode(`${name(number - 1)}\n`);
    await replaceFile(this.#fs, this.#floorPath(), floor, { temp: this.#temporary(number) });
    for await (const entry of this.#fs.readdir(this.#directory)) {
      const digits = NUMBERED.test(entry.name) ? entry.name : TEMPORARY.exec(entry.name)?.[1];
      if (digits !== undefined && Number(digits) < number) await this.#remove(join(this.#directory, entry.name));
    }
  }

  /** At most so much of a file that only this lock writes; `undefined` if there is none. */
  async #content(path: string, limit: number): Promise<Uint8Array | undefined> {
    const handle = await this.#open(path, "r");
    if (handle === undefined) return undefined;
    const buffer = new Uint8Array(limit);
    return closing(handle, async () => buffer.subarray(0, await fill(handle, buffer, 0)));
  }

  async #open(path: string, flags: "r" | "r+"): Promise<FileHandle | undefined> {
    try {
      return await this.#fs.open(path, flags);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  #floorPath(): string {
    return join(this.#directory, "floor");
  }

  #temporary(number: number): string {
    return join(this.#directory, `${name(number)}.${randomId(this.#env)}`);
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#fs.unlink(path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
}

function name(number: number): string {
  return String(number).padStart(16, "0");
}
