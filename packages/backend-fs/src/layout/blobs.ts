import { join } from "node:path";
import {
  algorithmOf,
  type BlobStore,
  type BlobStoreCapabilities,
  type Bytes,
  createHasher,
  DIGEST_ALGORITHMS,
  type Digest,
  type Environment,
  type Hasher,
  isDigest,
  type Located,
  type Ms,
  OciStoreError,
  type Placement,
  type Range,
  type Signal,
  type Upload,
} from "@ocistore/core";
import { closing, makeDirectory, writeAll } from "../files/durable.ts";
import { hasCode, reported, toOciStoreError } from "../files/errors.ts";
import type { FileHandle, FileStat, FileSystem } from "../files/file-system.ts";
import { readChunks } from "../files/read.ts";
import type { Paths } from "./paths.ts";

/**
 * The blobs of a layout. A digest has one fixed name, so bytes come to it and leave it only under the lock, which the
 * catalog holds when it calls `publish` and `delete`. Until then an upload lies under a name of its own.
 */
export class LayoutBlobs implements BlobStore {
  readonly capabilities: BlobStoreCapabilities = { generations: false, resumableUploads: true, multiWriter: true };
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #env: Environment;
  readonly #readOnly: boolean;
  /** Uploads that are being written to by this store object. */
  readonly #busy = new Set<string>();

  constructor(fs: FileSystem, paths: Paths, env: Environment, o: { readonly readOnly: boolean }) {
    this.#fs = fs;
    this.#paths = paths;
    this.#env = env;
    this.#readOnly = o.readOnly;
  }

  async stat(placement: Placement, { signal }: Signal = {}): Promise<{ size: number; modified: Ms } | undefined> {
    signal?.throwIfAborted();
    const stat = await regular(this.#fs, this.#paths.placed(placement));
    return stat && { size: stat.size, modified: stat.modified };
  }

  async *read(placement: Placement, o: Signal & Range = {}): Bytes {
    try {
      yield* readChunks(this.#fs, this.#paths.placed(placement), o);
    } catch (error) {
      throw toOciStoreError(error, "read the blob", this.#paths.placed(placement), o.signal);
    }
  }

  async upload(
    id: string,
    o: Signal & { readonly create?: boolean; readonly algorithm?: string } = {},
  ): Promise<Upload> {
    o.signal?.throwIfAborted();
    if (this.#readOnly)
      throw new OciStoreError("READ_ONLY", "this layout was opened for reading", { path: this.#paths.root });
    const path = this.#paths.upload(id);
    if (o.create) {
      await this.#create(id, path);
      return new LayoutUpload(this.#fs, this.#paths, this.#busy, id, 0, createHasher(o.algorithm));
    }
    const stat = await regular(this.#fs, path);
    if (!stat) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${id}`, { path });
    return new LayoutUpload(this.#fs, this.#paths, this.#busy, id, stat.size, undefined, o.algorithm);
  }

  async #create(id: string, path: string): Promise<void> {
    await reported("begin an upload", path, async () => {
      for (const directory of [this.#paths.ours, this.#paths.uploads]) {
        if (!(await this.#fs.lstat(directory))) await makeDirectory(this.#fs, directory);
      }
      try {
        await (await this.#fs.open(path, "wx")).close();
      } catch (error) {
        if (hasCode(error, "EEXIST"))
          throw new OciStoreError("ALREADY_EXISTS", `upload ${id} exists already`, { path });
        throw error;
      }
    });
  }

  async *uploads({ signal }: Signal = {}): AsyncGenerator<{ id: string; offset: number; touched: Ms }> {
    signal?.throwIfAborted();
    for await (const { name, stat } of regularFiles(this.#fs, this.#paths.uploads)) {
      signal?.throwIfAborted();
      yield { id: name, offset: stat.size, touched: Math.min(stat.modified, this.#env.now()) };
    }
  }

  async *list({ signal }: Signal = {}): AsyncGenerator<Located> {
    signal?.throwIfAborted();
    const now = this.#env.now();
    for (const algorithm of DIGEST_ALGORITHMS) {
      for await (const { name, stat } of regularFiles(this.#fs, this.#paths.algorithm(algorithm))) {
        signal?.throwIfAborted();
        const digest = `${algorithm}:${name}`;
        // What is not named like a blob is not ours to judge. A time in the future counts as now, or it would never pass.
        if (isDigest(digest)) yield { digest, size: stat.size, generation: "", since: Math.min(stat.modified, now) };
      }
    }
  }

  async *delete(
    placements: Iterable<Placement>,
    { signal }: Signal = {},
  ): AsyncGenerator<{ placement: Placement; error?: unknown }> {
    for (const placement of placements) {
      signal?.throwIfAborted();
      const path = this.#paths.placed(placement);
      try {
        await this.#fs.unlink(path);
        yield { placement };
      } catch (error) {
        if (hasCode(error, "ENOENT")) yield { placement };
        else yield { placement, error: toOciStoreError(error, "erase the blob", path) };
      }
    }
  }

  async close(): Promise<void> {}
}

class LayoutUpload implements Upload {
  readonly id: string;
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #busy: Set<string>;
  readonly #algorithm: string;
  #offset: number;
  /** Runs along with the bytes; absent where some of them were written by another handle, and then they are read again. */
  #hasher: Hasher | undefined;
  #committed: Placement | undefined;

  constructor(
    fs: FileSystem,
    paths: Paths,
    busy: Set<string>,
    id: string,
    offset: number,
    hasher: Hasher | undefined,
    algorithm = "sha256",
  ) {
    this.#fs = fs;
    this.#paths = paths;
    this.#busy = busy;
    this.id = id;
    this.#offset = offset;
    this.#hasher = hasher;
    this.#algorithm = hasher?.algorithm ?? algorithm;
  }

  get offset(): number {
    return this.#offset;
  }

  get #path(): string {
    return this.#paths.upload(this.id);
  }

  async write(chunks: Bytes, { at, signal }: Signal & { readonly at: number }): Promise<number> {
    signal?.throwIfAborted();
    if (this.#busy.has(this.id)) throw new OciStoreError("LOCKED", `upload ${this.id} is being written to`);
    if (at !== this.#offset) {
      const data = { expected: this.#offset, actual: at };
      throw new OciStoreError("CONFLICT", `upload ${this.id} is at ${this.#offset}, not at ${at}`, data);
    }
    this.#busy.add(this.id);
    try {
      const handle = await this.#open("open the upload");
      const close = () => reported("close the upload", this.#path, () => handle.close());
      // What the source throws passes as it is: it may look like a failure of ours, and is none.
      await closing({ close }, async () => {
        for await (const chunk of chunks) {
          signal?.throwIfAborted();
          await reported("write the upload", this.#path, () => writeAll(handle, chunk, this.#offset));
          this.#hasher?.update(chunk);
          this.#offset += chunk.length;
        }
      });
    } finally {
      this.#busy.delete(this.id);
    }
    return this.#offset;
  }

  async commit(digest: Digest | undefined, o: Signal & { readonly size?: number } = {}): Promise<Placement> {
    o.signal?.throwIfAborted();
    try {
      const placement = await this.#verify(digest, o);
      const handle = await this.#open("make the upload durable");
      await reported("make the upload durable", this.#path, () => closing(handle, () => handle.sync()));
      this.#committed = placement;
      return placement;
    } catch (error) {
      // After a sync that failed nobody knows what lies there, and wrong bytes are of no use to anybody.
      if (!o.signal?.aborted) await this.abort().catch(() => {});
      throw error;
    }
  }

  async #open(what: string): Promise<FileHandle> {
    try {
      return await reported(what, this.#path, () => this.#fs.open(this.#path, "r+"));
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${this.id}`, { path: this.#path }, { cause: error });
    }
  }

  async #verify(
    expected: Digest | undefined,
    { signal, size }: Signal & { readonly size?: number },
  ): Promise<Placement> {
    if (size !== undefined && size !== this.#offset) {
      const data = { expected: size, actual: this.#offset };
      throw new OciStoreError("SIZE_MISMATCH", `${this.#offset} bytes were sent, not ${size}`, data);
    }
    const algorithm = expected === undefined ? this.#algorithm : algorithmOf(expected);
    const running = algorithm === this.#algorithm ? this.#hasher : undefined;
    const digest = running ? running.digest() : await this.#hashAgain(algorithm, signal);
    this.#hasher = undefined;
    if (expected !== undefined && digest !== expected) {
      throw new OciStoreError("DIGEST_MISMATCH", `the bytes are ${digest}, not ${expected}`, { digest: expected });
    }
    return { digest, size: this.#offset, generation: "" };
  }

  async #hashAgain(algorithm: string, signal: AbortSignal | undefined): Promise<Digest> {
    const hasher = createHasher(algorithm);
    for await (const chunk of readChunks(this.#fs, this.#path, { signal })) hasher.update(chunk);
    return hasher.digest();
  }

  /**
   * The rename replaces what lies there, even if it is the same: if it is not, it was damaged, and is mended by this. The
   * directory is synced in any case, since whoever made the entry may have died before doing so.
   */
  async publish(): Promise<void> {
    const placement = this.#committed;
    if (!placement) throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${this.id} has not been committed`);
    const final = this.#paths.blob(placement.digest);
    const directory = this.#paths.algorithm(algorithmOf(placement.digest));
    await reported("store the blob", final, async () => {
      for (const needed of [this.#paths.blobs, directory]) {
        if (!(await this.#fs.lstat(needed))) await makeDirectory(this.#fs, needed);
      }
      try {
        await this.#fs.rename(this.#path, final);
      } catch (error) {
        // Called again: it has the name already.
        if (!hasCode(error, "ENOENT")) throw error;
        if (!(await regular(this.#fs, final))) {
          throw new OciStoreError(
            "UPLOAD_UNKNOWN",
            `upload ${this.id} is gone`,
            { path: this.#path },
            { cause: error },
          );
        }
      }
      await this.#fs.syncDirectory(directory);
    });
  }

  async abort(): Promise<void> {
    try {
      await this.#fs.unlink(this.#path);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw toOciStoreError(error, "remove the upload", this.#path);
    }
  }
}

/** What lies there, if it is a file; a link, a directory or a device is no content. @throws `LAYOUT_INVALID` */
export async function regular(fs: FileSystem, path: string): Promise<FileStat | undefined> {
  const stat = await reported("look at the file", path, () => fs.lstat(path));
  if (stat && stat.kind !== "file") throw new OciStoreError("LAYOUT_INVALID", `not a regular file: ${path}`, { path });
  return stat;
}

/** The regular files of a directory; none if there is no such directory. What goes meanwhile is left out. */
export async function* regularFiles(
  fs: FileSystem,
  directory: string,
): AsyncGenerator<{ readonly name: string; readonly path: string; readonly stat: FileStat }> {
  const names: string[] = [];
  try {
    for await (const { name, kind } of fs.readdir(directory)) if (kind === "file") names.push(name);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return;
    throw toOciStoreError(error, "list the directory", directory);
  }
  for (const name of names) {
    const path = join(directory, name);
    const stat = await reported("look at the file", path, () => fs.lstat(path));
    if (stat?.kind === "file") yield { name, path, stat };
  }
}
