import { basename } from "node:path";
import { type Environment, type Finding, isOciStoreError, type OciStoreError, type Signal } from "@ocistore/core";
import { type Directories, replaceFile } from "../files/durable.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import type { Paths } from "../layout/paths.ts";
import { Aside } from "./aside.ts";

/** Only look, or mend besides. */
export type Mode = "look" | "repair";

/** What every part of a repair works with, and where it writes down what it found. */
export class Bench {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly env: Environment;
  readonly mode: Mode;
  readonly findings: Finding[] = [];
  readonly #aside: Aside;
  readonly signal: AbortSignal | undefined;

  constructor(
    fs: FileSystem,
    paths: Paths,
    o: Signal & { readonly env: Environment; readonly mode: Mode; readonly directories: Directories },
  ) {
    this.fs = fs;
    this.paths = paths;
    this.env = o.env;
    this.mode = o.mode;
    this.signal = o.signal;
    this.#aside = new Aside(fs, paths, o.directories);
  }

  /** Notes a finding that stays as it is. */
  note(finding: Finding): void {
    this.findings.push(finding);
  }

  /** Notes a finding, and does what mends it if that is what is asked for. */
  async mend(finding: Finding, how: string, work: () => Promise<unknown>): Promise<void> {
    this.signal?.throwIfAborted();
    if (this.mode === "repair") await work();
    this.findings.push(this.mode === "look" ? finding : { ...finding, repaired: how });
  }

  setAside(path: string, name = basename(path)): Promise<string | undefined> {
    return this.#aside.move(path, name);
  }

  /** The old file is kept under another name before the new one takes its own; in between nobody finds none. */
  async replace(path: string, bytes: Uint8Array): Promise<void> {
    await this.#aside.keep(path, basename(path));
    const temp = this.paths.fresh(basename(path));
    await unlinkIfThere(this.fs, temp);
    await replaceFile(this.fs, path, bytes, { temp });
  }
}

/** The error if it says that a file is damaged; any other is thrown: of what cannot be read nobody knows. */
export async function damageOf(read: () => Promise<unknown>): Promise<OciStoreError | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (isOciStoreError(error, "LAYOUT_INVALID")) return error as OciStoreError;
    throw error;
  }
}
