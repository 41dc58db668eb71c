import {
  type BlobStore,
  type BlobStoreCapabilities,
  type Bytes,
  createHasher,
  DIGEST_ALGORITHMS,
  type Environment,
  isDigest,
  type Located,
  type Ms,
  OciStoreError,
  type Placement,
  type Range,
  type Signal,
  type Upload,
} from "@ocistore/core";
import type { Directories } from "../files/durable.ts";
import { hasCode, reported, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { regular, regularFiles } from "../files/listing.ts";
import { readChunks } from "../files/read.ts";
import { isSafeName, type Paths } from "./paths.ts";
import { LayoutUpload } from "./upload.ts";

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
  readonly #directories: Directories;

  constructor(
    fs: FileSystem,
    paths: Paths,
    env: Environment,
    o: { readonly readOnly: boolean; readonly directories: Directories },
  ) {
    this.#directories = o.directories;
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
    this.#mustWrite();
    const path = this.#paths.upload(id);
    if (o.create) {
      await this.#create(id, path);
      return this.#handle(id, 0, createHasher(o.algorithm));
    }
    const stat = await regular(this.#fs, path);
    if (!stat) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${id}`, { path });
    return this.#handle(id, stat.size, undefined, o.algorithm);
  }

  #handle(id: string, offset: number, hasher: ReturnType<typeof createHasher> | undefined, algorithm?: string): Upload {
    const ground = { fs: this.#fs, paths: this.#paths, directories: this.#directories };
    return new LayoutUpload(ground, { id, offset, hasher, algorithm });
  }

  #mustWrite(): void {
    if (!this.#readOnly) return;
    throw new OciStoreError("READ_ONLY", "this layout was opened for reading", { path: this.#paths.root });
  }

  async #create(id: string, path: string): Promise<void> {
    await reported("begin an upload", path, async () => {
      await this.#directories.ensure(this.#paths.ours, this.#paths.uploads);
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
      if (isSafeName(name)) yield { id: name, offset: stat.size, touched: Math.min(stat.modified, this.#env.now()) };
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
    this.#mustWrite();
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
