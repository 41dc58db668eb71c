import {
  algorithmOf,
  type BlobStore,
  type BlobStoreCapabilities,
  type Bytes,
  DIGEST_ALGORITHMS,
  type Environment,
  encodedOf,
  isDigest,
  type Located,
  type Ms,
  OciStoreError,
  type Placement,
  type Range,
  type Signal,
  type Upload,
  type UploadInfo,
  type UploadOptions,
} from "@ocistore/core";
import type { Directories } from "../files/durable.ts";
import { hasCode, reported, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { regular, regularFiles } from "../files/listing.ts";
import { readChunks } from "../files/read.ts";
import { Aside } from "../repair/aside.ts";
import { sweepFresh } from "../sidecar/leftovers.ts";
import { isSafeName, type Paths } from "./paths.ts";
import { LayoutUpload } from "./upload.ts";
import type { Writers } from "./writers.ts";

/** So many are erased together. */
const AT_A_TIME = 32;

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
  readonly #writers: Writers;

  constructor(
    fs: FileSystem,
    paths: Paths,
    env: Environment,
    o: { readonly readOnly: boolean; readonly directories: Directories; readonly writers: Writers },
  ) {
    this.#writers = o.writers;
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

  async upload(id: string, o: UploadOptions = {}): Promise<Upload> {
    o.signal?.throwIfAborted();
    this.#mustWrite();
    const path = this.#paths.upload(id);
    const { algorithm = "sha256" } = o;
    if (o.create) {
      await this.#create(id, path);
      return this.#handle(id, 0, algorithm);
    }
    const stat = await regular(this.#fs, path);
    if (!stat) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${id}`, { path });
    return this.#handle(id, stat.size, algorithm);
  }

  #handle(id: string, offset: number, algorithm: string): Upload {
    const ground = { fs: this.#fs, paths: this.#paths, directories: this.#directories, writers: this.#writers };
    return new LayoutUpload(ground, { id, offset, algorithm });
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

  /** Also clears away what the dead have left: beside uploads that are gone, and of files that they did not finish. */
  async *uploads({ signal }: Signal = {}): AsyncGenerator<UploadInfo> {
    signal?.throwIfAborted();
    if (!this.#readOnly) {
      await this.#writers.sweep({ signal });
      await sweepFresh(this.#fs, this.#paths, { signal, now: this.#env.now() });
    }
    for await (const { name, stat } of regularFiles(this.#fs, this.#paths.uploads)) {
      signal?.throwIfAborted();
      if (!isSafeName(name)) continue;
      const holder = await this.#writers.holder(name);
      const touched = Math.min(stat.modified, this.#env.now());
      yield { id: name, offset: stat.size, touched, ...(holder !== undefined && { holder }) };
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
    let wave: Placement[] = [];
    for (const placement of placements) {
      signal?.throwIfAborted();
      if (wave.push(placement) < AT_A_TIME) continue;
      yield* await Promise.all(wave.map((each) => this.#erase(each)));
      wave = [];
    }
    signal?.throwIfAborted();
    yield* await Promise.all(wave.map((each) => this.#erase(each)));
  }

  async #erase(placement: Placement): Promise<{ placement: Placement; error?: unknown }> {
    const path = this.#paths.placed(placement);
    try {
      await this.#fs.unlink(path);
      return { placement };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return { placement };
      return { placement, error: toOciStoreError(error, "erase the blob", path) };
    }
  }

  async keepAside(placement: Placement, { signal }: Signal = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    this.#mustWrite();
    const { digest } = placement;
    return new Aside(this.#fs, this.#paths, this.#directories).keep(
      this.#paths.placed(placement),
      `${algorithmOf(digest)}-${encodedOf(digest)}`,
    );
  }

  async close(): Promise<void> {}
}
