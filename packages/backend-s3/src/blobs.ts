import {
  type BlobStore,
  type BlobStoreCapabilities,
  type Bytes,
  type Environment,
  type Located,
  type Ms,
  OciStoreError,
  type Placement,
  type Range,
  randomId,
  type Signal,
  type Upload,
  type UploadInfo,
  type UploadOptions,
} from "@ocistore/core";
import { copyObject } from "./copy.ts";
import type { Keys } from "./keys.ts";
import { Multiparts } from "./multiparts.ts";
import { Objects } from "./objects.ts";
import { readObject } from "./read.ts";
import type { Requests } from "./requests.ts";
import { readUpload, type UploadRecord, writeRecord } from "./upload/record.ts";
import { type Ground, S3Upload } from "./upload/upload.ts";

/** What is under its final name but not complete, and has no record: an id says where it is. */
const LOOSE = "multipart:";

/**
 * Blobs on a bucket. Each upload has a key of its own, which is never used again, so a deletion that comes late hits nothing that
 * was stored since.
 */
export class S3Blobs implements BlobStore {
  readonly capabilities: BlobStoreCapabilities = { generations: true, resumableUploads: true, multiWriter: true };
  readonly #objects: Objects;
  readonly #keys: Keys;
  readonly #ground: Ground;
  readonly #partSize: number;

  constructor(
    requests: Requests,
    keys: Keys,
    { env, partSize }: { readonly env: Environment; readonly partSize: number },
  ) {
    const [objects, multiparts] = [new Objects(requests), new Multiparts(requests)];
    this.#objects = objects;
    this.#keys = keys;
    this.#partSize = partSize;
    this.#ground = { requests, objects, multiparts, keys, env, writing: new Set() };
  }

  async stat(placement: Placement, o: Signal = {}): Promise<{ size: number; modified: Ms } | undefined> {
    o.signal?.throwIfAborted();
    return this.#objects.head(this.#keys.blob(placement), o);
  }

  async *read(placement: Placement, o: Signal & Range = {}): Bytes {
    o.signal?.throwIfAborted();
    yield* readObject(this.#objects, { key: this.#keys.blob(placement), size: placement.size }, o);
  }

  async upload(id: string, o: UploadOptions = {}): Promise<Upload> {
    o.signal?.throwIfAborted();
    if (o.create) return this.#create(id, o);
    const stored = id.startsWith(LOOSE) ? await this.#loose(id, o) : await readUpload(this.#ground, id, o);
    if (!stored) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${id}`);
    return new S3Upload(this.#ground, id, stored, !id.startsWith(LOOSE));
  }

  async #create(id: string, o: UploadOptions): Promise<Upload> {
    const { algorithm = "sha256", digest, keep = true } = o;
    const { objects, keys, env } = this.#ground;
    const key = digest === undefined ? keys.data(id) : keys.blob({ digest, generation: randomId(env) });
    const record: UploadRecord = { algorithm, key, partSize: this.#partSize };
    if (keep && !(await writeRecord(objects, keys.record(id), record, { signal: o.signal, isNew: true }))) {
      throw new OciStoreError("ALREADY_EXISTS", `upload ${id} exists already`);
    }
    return new S3Upload(this.#ground, id, { record, parts: [], tail: new Uint8Array() }, keep);
  }

  async *uploads(o: Signal = {}): AsyncGenerator<UploadInfo> {
    const recorded = new Set<string>();
    for await (const { key, modified } of this.#objects.list(this.#keys.uploads, o)) {
      const id = this.#keys.uploadOf(key);
      if (id === undefined) continue;
      const stored = await readUpload(this.#ground, id, o);
      if (!stored) continue;
      const { record, parts, tail } = stored;
      if (record.multipart !== undefined) recorded.add(record.multipart);
      const offset = parts.length * record.partSize + tail.length;
      const written = await this.#objects.head(this.#keys.tail(id), o);
      const touched = Math.max(modified, written?.modified ?? 0, ...parts.map((part) => part.modified));
      yield { id, offset, touched, ...(this.#ground.writing.has(id) && { holder: "this process" }) };
    }
    for (const prefix of [this.#keys.uploads, this.#keys.blobs]) {
      for await (const { key, upload, initiated } of this.#ground.multiparts.begun(prefix, o)) {
        if (recorded.has(upload)) continue;
        const parts = await this.#ground.multiparts.parts(key, upload, o);
        if (!parts) continue;
        const offset = parts.reduce((sum, { size }) => sum + size, 0);
        const touched = Math.max(initiated, ...parts.map((part) => part.modified));
        yield { id: `${LOOSE}${upload}:${key}`, offset, touched };
      }
    }
  }

  /** One that has no record can only be given up. */
  async #loose(id: string, o: Signal) {
    const [, multipart = "", key = ""] = /^multipart:([^:]+):(.*)$/s.exec(id) ?? [];
    if (key === "" || !(await this.#ground.multiparts.parts(key, multipart, o))) return undefined;
    const record: UploadRecord = { algorithm: "sha256", key, multipart, partSize: this.#partSize };
    return { record, parts: [], tail: new Uint8Array() };
  }

  async *list(o: Signal = {}): AsyncGenerator<Located> {
    const now = this.#ground.env.now();
    for await (const { key, size, modified } of this.#objects.list(this.#keys.blobs, o)) {
      const place = this.#keys.placeOf(key);
      // A time in the future counts as now, or it would never pass.
      if (place) yield { ...place, size, since: Math.min(modified, now) };
    }
  }

  async *delete(
    placements: Iterable<Placement>,
    o: Signal = {},
  ): AsyncGenerator<{ placement: Placement; error?: unknown }> {
    o.signal?.throwIfAborted();
    const all = [...placements];
    const failures = await this.#objects.delete(
      all.map((placement) => this.#keys.blob(placement)),
      o,
    );
    for (const placement of all) {
      const error = failures.get(this.#keys.blob(placement));
      yield { placement, ...(error !== undefined && { error }) };
    }
  }

  async keepAside(placement: Placement, o: Signal = {}): Promise<string | undefined> {
    o.signal?.throwIfAborted();
    const key = this.#keys.aside(placement);
    return (await copyObject(this.#ground, this.#keys.blob(placement), key, o)) ? key : undefined;
  }

  /** The client is its owner's. */
  async close(): Promise<void> {}
}
