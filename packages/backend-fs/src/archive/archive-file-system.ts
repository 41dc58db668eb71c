import { relative, sep } from "node:path";
import { type Digest, isDigest, OciStoreError, type Signal } from "@ocistore/core";
import { closing } from "../files/durable.ts";
import { reported } from "../files/errors.ts";
import type { DirectoryEntry, FileHandle, FileStat, FileSystem } from "../files/file-system.ts";
import { openRegular } from "../files/read.ts";
import { type ArchiveIndex, type Extent, indexArchive } from "./archive-index.ts";

/**
 * A tar archive of a layout as a file system that is only read: the archive stands for the root directory of the layout,
 * and what its members are called lies under it.
 *
 * The archive is opened for each member anew, so that nothing has to be closed at the end; it must still be the same file
 * then, unchanged, or nothing is read from it.
 */
export async function archiveFileSystem(fs: FileSystem, archive: string, o: Signal = {}): Promise<FileSystem> {
  const file = await openRegular(fs, archive);
  if (!file) throw new OciStoreError("NOT_FOUND", `no such file: ${archive}`, { path: archive });
  const { stat } = file;
  const work = () => closing(file.handle, () => indexArchive(file.handle, stat.size, o));
  const index = await reported("read the archive", archive, work, o.signal).catch((error: unknown) => {
    throw located(error, archive);
  });
  return new ArchiveFileSystem(fs, archive, stat, index);
}

class ArchiveFileSystem implements FileSystem {
  readonly scope: string;
  readonly #fs: FileSystem;
  readonly #archive: string;
  readonly #stat: FileStat;
  readonly #index: ArchiveIndex;

  constructor(fs: FileSystem, archive: string, stat: FileStat, index: ArchiveIndex) {
    this.scope = `archive ${archive} in ${fs.scope}`;
    this.#fs = fs;
    this.#archive = archive;
    this.#stat = stat;
    this.#index = index;
  }

  async open(path: string, flags: "r" | "wx" | "r+"): Promise<FileHandle> {
    if (flags !== "r") throw this.#readOnly();
    const extent = this.#extent(path);
    const stat = await this.lstat(path);
    if (!extent || !stat) throw Object.assign(new Error(`ENOENT: no such member: ${path}`), { code: "ENOENT" });
    const file = await openRegular(this.#fs, this.#archive);
    if (!file || !isUnchanged(this.#stat, file.stat)) {
      await file?.handle.close();
      throw new OciStoreError("CONFLICT", `the archive was changed while it was read: ${this.#archive}`, {
        path: this.#archive,
      });
    }
    const { handle } = file;
    const refuse = async () => {
      throw this.#readOnly();
    };
    return {
      read: (buffer, offset, length, position) => {
        const most = Math.min(length, extent.size - position);
        return most <= 0 ? Promise.resolve(0) : handle.read(buffer, offset, most, extent.start + position);
      },
      stat: async () => stat,
      close: () => handle.close(),
      write: refuse,
      truncate: refuse,
      sync: refuse,
    };
  }

  async lstat(path: string): Promise<FileStat | undefined> {
    const { modified, identity } = this.#stat;
    const extent = this.#extent(path);
    // Members have times of their own, but those are only what somebody has written there.
    if (extent)
      return { kind: "file", size: extent.size, modified, identity: `${identity}:${extent.start}`, mode: 0o444 };
    if (!DIRECTORIES.test(this.#name(path))) return undefined;
    return { kind: "directory", size: 0, modified, identity: `${identity}:${path}`, mode: 0o555 };
  }

  async *readdir(path: string): AsyncGenerator<DirectoryEntry> {
    const [, algorithm] = /^blobs\/(\w+)$/.exec(this.#name(path)) ?? [];
    if (algorithm === undefined) return;
    for (const digest of this.#index.blobs.keys()) {
      if (digest.startsWith(`${algorithm}:`)) yield { name: digest.slice(algorithm.length + 1), kind: "file" };
    }
  }

  realpath(path: string): Promise<string> {
    return path === this.#archive ? this.#fs.realpath(path) : Promise.resolve(path);
  }

  async mkdir(): Promise<boolean> {
    throw this.#readOnly();
  }
  async rmdir(): Promise<void> {
    throw this.#readOnly();
  }
  async rename(): Promise<void> {
    throw this.#readOnly();
  }
  async link(): Promise<void> {
    throw this.#readOnly();
  }
  async unlink(): Promise<void> {
    throw this.#readOnly();
  }
  async touch(): Promise<void> {
    throw this.#readOnly();
  }
  async chmod(): Promise<void> {
    throw this.#readOnly();
  }
  async syncDirectory(): Promise<void> {
    throw this.#readOnly();
  }

  #readOnly(): OciStoreError {
    return new OciStoreError("READ_ONLY", `an archive is only read: ${this.#archive}`, { path: this.#archive });
  }

  #name(path: string): string {
    return relative(this.#archive, path).split(sep).join("/");
  }

  #extent(path: string): Extent | undefined {
    const name = this.#name(path);
    if (name === "oci-layout") return this.#index.ociLayout;
    if (name === "index.json") return this.#index.index;
    const [top, algorithm, encoded] = name.split("/");
    const digest = `${algorithm}:${encoded}`;
    return top === "blobs" && isDigest(digest) ? this.#index.blobs.get(digest as Digest) : undefined;
  }
}

const DIRECTORIES = /^(?:|blobs(?:\/sha(?:256|384|512))?)$/;

function isUnchanged(before: FileStat, now: FileStat): boolean {
  return before.identity === now.identity && before.size === now.size && before.modified === now.modified;
}

/** What is wrong inside an archive is told without its name, which only the one who opened it knows. */
function located(error: unknown, archive: string): unknown {
  if (!(error instanceof OciStoreError) || error.data.path !== undefined) return error;
  return new OciStoreError(
    error.code,
    `${archive}: ${error.message}`,
    { ...error.data, path: archive },
    { cause: error },
  );
}
