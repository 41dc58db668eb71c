import type {
  BlobStore,
  BlobStoreCapabilities,
  Range,
  Upload,
  UploadInfo,
  UploadOptions,
} from "../contract/blob-store.ts";
import type { Environment, Ms, Signal } from "../contract/environment.ts";
import type { Bytes, Located, Placement } from "../contract/placement.ts";
import { OciStoreError } from "../errors.ts";
import { algorithmOf, createHasher, type Digest } from "../model/digest.ts";

interface StoredBlob {
  readonly placement: Placement;
  readonly bytes: Uint8Array;
  readonly modified: Ms;
}

interface OpenUpload {
  chunks: Uint8Array[];
  offset: number;
  touched: Ms;
  busy: boolean;
  algorithm: string;
}

/** Pieces of this size come out of a read, so that a reader meets more than one even in memory. */
const PIECE = 64 * 1024;

/**
 * Blobs in variables. With `generations` each upload has a place of its own, as on S3; without, each digest has one, as in a
 * directory.
 */
export class MemoryBlobs implements BlobStore {
  readonly capabilities: BlobStoreCapabilities;
  readonly #env: Environment;
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #uploads = new Map<string, OpenUpload>();
  /** Damaged bytes, for whoever looks into this process. */
  readonly #aside = new Map<string, StoredBlob>();
  #generation = 0;

  constructor(env: Environment, o: { readonly generations?: boolean } = {}) {
    this.#env = env;
    this.capabilities = { generations: o.generations ?? true, resumableUploads: true, multiWriter: false };
  }

  async stat(placement: Placement, { signal }: Signal = {}): Promise<{ size: number; modified: Ms } | undefined> {
    signal?.throwIfAborted();
    const blob = this.#blobs.get(placeOf(placement));
    return blob && { size: blob.bytes.length, modified: blob.modified };
  }

  async *read(placement: Placement, o: Signal & Range = {}): Bytes {
    o.signal?.throwIfAborted();
    const blob = this.#blobs.get(placeOf(placement));
    if (!blob) throw new OciStoreError("NOT_FOUND", `no blob ${placement.digest}`, { digest: placement.digest });
    const end = Math.min(o.end ?? blob.bytes.length, blob.bytes.length);
    for (let at = o.start ?? 0; at < end; at += PIECE) {
      o.signal?.throwIfAborted();
      yield blob.bytes.slice(at, Math.min(at + PIECE, end));
    }
  }

  async upload(id: string, o: UploadOptions = {}): Promise<Upload> {
    o.signal?.throwIfAborted();
    const present = this.#uploads.get(id);
    if (o.create && present) throw new OciStoreError("ALREADY_EXISTS", `upload ${id} exists already`);
    if (!o.create && !present) throw new OciStoreError("UPLOAD_UNKNOWN", `no upload ${id}`);
    const upload = present ?? {
      chunks: [],
      offset: 0,
      touched: this.#env.now(),
      busy: false,
      algorithm: o.algorithm ?? "sha256",
    };
    this.#uploads.set(id, upload);
    return this.#handle(id, upload);
  }

  #handle(id: string, upload: OpenUpload): Upload {
    let committed: StoredBlob | undefined;
    let isPublished = false;
    const env = this.#env;
    return {
      id,
      get offset() {
        return upload.offset;
      },
      write: async (chunks, { at, signal }) => {
        if (upload.busy) throw new OciStoreError("LOCKED", `upload ${id} is being written to`);
        if (at !== upload.offset) {
          throw new OciStoreError("CONFLICT", `upload ${id} is at ${upload.offset}, not at ${at}`, {
            expected: upload.offset,
            actual: at,
          });
        }
        upload.busy = true;
        try {
          signal?.throwIfAborted();
          for await (const chunk of chunks) {
            signal?.throwIfAborted();
            upload.chunks.push(chunk.slice());
            upload.offset += chunk.length;
            upload.touched = env.now();
          }
        } finally {
          upload.busy = false;
        }
        return upload.offset;
      },
      commit: async (digest, o = {}) => {
        o.signal?.throwIfAborted();
        this.#uploads.delete(id);
        committed = { ...this.#sealed(upload, digest, o.size), modified: env.now() };
        // With generations the place is new and nobody knows of it yet; a fixed name is taken in publish().
        if (this.capabilities.generations) this.#blobs.set(placeOf(committed.placement), committed);
        return committed.placement;
      },
      publish: async () => {
        if (!committed) throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${id} has not been committed`);
        const place = placeOf(committed.placement);
        if (!this.capabilities.generations) this.#blobs.set(place, committed);
        else if (!this.#blobs.has(place)) throw new OciStoreError("UPLOAD_UNKNOWN", `upload ${id} has been collected`);
        isPublished = true;
      },
      release: async () => {
        if (isPublished) return;
        // What has a place of its own already stays there, for a collection.
        if (committed && !this.capabilities.generations && !this.#uploads.has(id)) this.#uploads.set(id, upload);
        committed = undefined;
      },
      abort: async () => {
        if (upload.busy) throw new OciStoreError("LOCKED", `upload ${id} is being written to`);
        // By now another may have the name.
        if (this.#uploads.get(id) === upload) this.#uploads.delete(id);
      },
    };
  }

  #sealed(upload: OpenUpload, expected: Digest | undefined, size: number | undefined): Omit<StoredBlob, "modified"> {
    if (size !== undefined && size !== upload.offset) {
      throw new OciStoreError("SIZE_MISMATCH", `${upload.offset} bytes were sent, not ${size}`, {
        expected: size,
        actual: upload.offset,
      });
    }
    const hasher = createHasher(expected === undefined ? upload.algorithm : algorithmOf(expected));
    for (const chunk of upload.chunks) hasher.update(chunk);
    const digest = hasher.digest();
    if (expected !== undefined && digest !== expected) {
      throw new OciStoreError("DIGEST_MISMATCH", `the bytes are ${digest}, not ${expected}`, { digest: expected });
    }
    const bytes = new Uint8Array(upload.offset);
    let at = 0;
    for (const chunk of upload.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    const generation = this.capabilities.generations ? String(++this.#generation) : "";
    return { placement: { digest, size: bytes.length, generation }, bytes };
  }

  async *uploads({ signal }: Signal = {}): AsyncGenerator<UploadInfo> {
    signal?.throwIfAborted();
    for (const [id, { offset, touched, busy }] of [...this.#uploads]) {
      yield { id, offset, touched, ...(busy && { holder: "this process" }) };
    }
  }

  async *list({ signal }: Signal = {}): AsyncGenerator<Located> {
    signal?.throwIfAborted();
    for (const { placement, modified } of [...this.#blobs.values()]) {
      signal?.throwIfAborted();
      yield { ...placement, since: modified };
    }
  }

  async *delete(placements: Iterable<Placement>, { signal }: Signal = {}): AsyncGenerator<{ placement: Placement }> {
    for (const placement of placements) {
      signal?.throwIfAborted();
      this.#blobs.delete(placeOf(placement));
      yield { placement };
    }
  }

  async keepAside(placement: Placement, { signal }: Signal = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    const place = placeOf(placement);
    const blob = this.#blobs.get(place);
    if (!blob) return undefined;
    this.#aside.set(place, blob);
    return place;
  }

  async close(): Promise<void> {}
}

function placeOf({ digest, generation }: Placement): string {
  return `${digest}@${generation}`;
}
