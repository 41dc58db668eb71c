import { recordOf } from "../catalog/record.ts";
import type { Change } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import type { Ms, Signal } from "../contract/environment.ts";
import type { Placement } from "../contract/placement.ts";
import { isOciStoreError, OciStoreError } from "../errors.ts";
import type { Parts } from "../gc/parts.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf, parseDigest } from "../model/digest.ts";
import { MANIFEST_LIMIT } from "../model/json.ts";
import { type Manifest, parseManifest } from "../model/manifest.ts";
import type { Packed } from "../model/pack.ts";
import { parseRefName } from "../model/reference.ts";
import { ingest } from "./ingest.ts";
import { type BlobBytes, type BlobBytesFrom, type BlobSource, described, discard } from "./source.ts";
import { gathered, verified } from "./verified.ts";

/** A claim that is not renewed ends after this; every write renews it. */
const CLAIM: Ms = 60 * 60_000;

/** The bytes of a manifest, as they are to be kept. */
export interface ManifestBytes {
  readonly bytes: Uint8Array;
  /** What they are, where the bytes do not say so themselves, or to have it checked. */
  readonly mediaType?: string | undefined;
  /** Checked; its algorithm is the one the manifest is stored under. Default: sha256. */
  readonly digest?: Digest | undefined;
}

export interface PutBlobOptions extends Signal {
  /**
   * The upload to go on with, if an earlier try or another process has left one of this name, or to begin under it; `true`
   * names it after the digest, which has to be given. What fails then stays as far as it came, for the next try, until a
   * collection finds that nobody has touched it for an hour.
   */
  readonly resume?: string | boolean | undefined;
}

export interface PutManifestOptions extends Signal {
  /** Set in the same step, so that no reader sees the manifest without them. */
  readonly tags?: readonly string[] | undefined;
  /** What each tag must point to now; `null`: the tags must be new. */
  readonly expect?: Digest | null | undefined;
  /** What it names may be missing: the image is sparse on purpose. */
  readonly sparse?: boolean | undefined;
}

/**
 * A unit of pushing. What is put in one, or asked for with {@link has}, is claimed: no collection takes it before the
 * session has ended, whatever its grace.
 */
export class Session {
  readonly owner: string;
  readonly #parts: () => Parts;
  readonly #repository: string;
  readonly #signal: AbortSignal | undefined;
  #renewed: Ms;
  #ended = false;

  constructor(parts: () => Parts, repository: string, owner: string, { signal }: Signal = {}) {
    this.#parts = parts;
    this.#repository = repository;
    this.#signal = signal;
    this.owner = owner;
    this.#renewed = parts().env.now();
  }

  /**
   * Which of these are stored here, and from now on held: the only answer that may be followed by not sending something.
   * It is about bytes. Those of a manifest may have come, or be named here, while it is no manifest of this repository
   * (yet, or any more): {@link Repository.find}, asked after this, tells.
   */
  async has(
    digests: readonly Digest[],
    o: Signal & { readonly from?: string | undefined } = {},
  ): Promise<ReadonlySet<Digest>> {
    const checked = digests.map(parseDigest);
    const { catalog } = this.#open();
    const held = await catalog.claim(this.owner, this.#repository, checked, {
      ...this.#with(o),
      from: o.from,
      until: this.#until(),
    });
    return new Set(held.keys());
  }

  /**
   * Stores a blob in one pass over its bytes. What is stored already is not stored again.
   *
   * @throws `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `NO_SPACE`, and what the source throws; nothing is stored then, but for an
   * upload that can be gone on with. One whose bytes turn out to be wrong, or that has more of them than its source, is given
   * up, and the next try begins anew. `LOCKED` if another writes to the upload of this name; with `resume: true` the bytes
   * then take another way.
   *
   * @example
   * // Tried again after a failure, in this process or another one, it reads the file from where it stopped.
   * const stream = (start: number) => createReadStream("layer.tar", { start });
   * await session.putBlob({ stream, digest, size }, { resume: true });
   */
  async putBlob(source: BlobSource, o: PutBlobOptions = {}): Promise<Descriptor> {
    const { stream, mediaType = "application/octet-stream", size, digest, ...rest } = described(source);
    const known = stream instanceof Uint8Array ? checkedDigest(stream, digest) : digest && parseDigest(digest);
    const stored = await this.#store(stream, known, size, o);
    return descriptor({ mediaType, digest: stored.digest, size: stored.size, ...rest });
  }

  /**
   * Stores a manifest and sets its tags, in one step. What it names must be stored in this repository; a subject may be
   * missing. The bytes are kept exactly.
   *
   * @throws `MANIFEST_INVALID`, `MANIFEST_TOO_LARGE`, `MISSING_CONTENT` with what is missing, `CONFLICT` if `expect` does
   * not hold, `REFERENCE_INVALID`.
   */
  async putManifest(content: Packed | ManifestBytes | Uint8Array, o: PutManifestOptions = {}): Promise<Descriptor> {
    const { bytes, mediaType, digest: expected } = manifestBytes(content);
    if (bytes.length > MANIFEST_LIMIT) {
      const data = { expected: MANIFEST_LIMIT, actual: bytes.length };
      throw new OciStoreError("MANIFEST_TOO_LARGE", `a manifest has at most ${MANIFEST_LIMIT} bytes`, data);
    }
    const manifest = parseManifest(bytes, mediaType);
    const tags = (o.tags ?? []).map(parseRefName);
    if ("blobs" in content) {
      for (const blob of content.blobs) await this.#store(blob.bytes, blob.descriptor.digest, blob.bytes.length, o);
    }
    const placement = await this.#store(bytes, checkedDigest(bytes, expected), bytes.length, o);
    const { digest, size } = placement;
    const { catalog, env } = this.#open();
    const record = recordOf(manifest, placement, env.now());
    const changes: Change[] = [
      { do: "put", manifest: record, sparse: o.sparse ?? false },
      ...tags.map((name): Change => ({ do: "tag", name, to: digest, expect: o.expect })),
    ];
    await catalog.change(this.#repository, changes, this.#with(o));
    return manifestDescriptor(manifest, digest, size);
  }

  /** Ends the session and its claims. With `keepFor`, what it stored stays claimed for so long, for another try. */
  async end(o: Signal & { readonly keepFor?: Ms | undefined } = {}): Promise<void> {
    if (this.#ended) return;
    const keepFor = o.keepFor === undefined ? undefined : checkedTime(o.keepFor, "keepFor");
    const { catalog, env } = this.#parts();
    await catalog.release(this.owner, {
      signal: o.signal,
      until: keepFor === undefined ? undefined : env.now() + keepFor,
    });
    this.#ended = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #store(
    stream: BlobBytes | BlobBytesFrom,
    digest: Digest | undefined,
    size: number | undefined,
    o: PutBlobOptions,
  ): Promise<Placement> {
    const { blobs, catalog, env } = this.#open();
    const signal = this.#with(o);
    if (digest !== undefined) {
      const held = await catalog.claim(this.owner, this.#repository, [digest], { ...signal, until: this.#until() });
      const placement = held.get(digest);
      if (
        placement &&
        (size === undefined || placement.size === size) &&
        (await this.#isSound(placement, stream, signal))
      ) {
        await discard(stream);
        return placement;
      }
    }
    const options = { ...signal, stream, digest, size, resume: o.resume, onPiece: () => this.#renew(o) };
    return ingest({ blobs, env }, options, async (upload, placement) => {
      const arrival = { placement, publish: (inner: Signal | undefined) => upload.publish(inner) };
      await catalog.add(this.owner, this.#repository, [arrival], { ...signal, until: this.#until() });
      return this.#onlyCopy(placement, signal);
    });
  }

  /**
   * Pushing something again mends it, where that can be told without much reading: a small copy that is damaged is replaced.
   * Where each copy has a place of its own, the damaged one would stay in use.
   */
  async #isSound(placement: Placement, stream: BlobBytes | BlobBytesFrom, o: Signal): Promise<boolean> {
    const { blobs } = this.#open();
    if (!(stream instanceof Uint8Array) || stream.length > MANIFEST_LIMIT || blobs.capabilities.generations)
      return true;
    try {
      await gathered(verified(blobs, placement, o));
      return true;
    } catch (error) {
      if (isOciStoreError(error, "CORRUPT", "NOT_FOUND")) return false;
      throw error;
    }
  }

  /** Another copy may have been in use before this one came; then that is the one, and this one was for nothing. */
  async #onlyCopy(placement: Placement, o: Signal): Promise<Placement> {
    const { blobs, catalog } = this.#open();
    if (!blobs.capabilities.generations) return placement;
    const used = await catalog.locate(this.#repository, placement.digest, o);
    if (!used || used.generation === placement.generation) return placement;
    for await (const { error } of blobs.delete([placement], o)) if (error !== undefined) throw error;
    return { digest: used.digest, size: used.size, generation: used.generation };
  }

  /** A long upload must not outlive the claims of what was put before it. */
  async #renew(o: Signal): Promise<void> {
    const { catalog, env } = this.#open();
    if (env.now() - this.#renewed < CLAIM / 4) return;
    await catalog.release(this.owner, { ...this.#with(o), until: this.#until() });
  }

  #until(): Ms {
    this.#renewed = this.#open().env.now();
    return this.#renewed + CLAIM;
  }

  #open(): Parts {
    if (this.#ended) throw new OciStoreError("CLOSED", "this session has ended");
    return this.#parts();
  }

  #with({ signal }: Signal): Signal {
    const signals = [signal, this.#signal].filter((each) => each !== undefined);
    return { signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0] };
  }
}

function manifestBytes(content: Packed | ManifestBytes | Uint8Array): ManifestBytes {
  if (content instanceof Uint8Array) return { bytes: content };
  if ("blobs" in content) return { bytes: content.bytes, mediaType: content.descriptor.mediaType };
  if (!(content?.bytes instanceof Uint8Array)) throw new TypeError("a manifest is given as bytes");
  return content;
}

function checkedDigest(bytes: Uint8Array, expected: Digest | undefined): Digest {
  if (expected === undefined) return digestOf(bytes);
  const digest = digestOf(bytes, algorithmOf(parseDigest(expected)) as DigestAlgorithm);
  if (digest !== expected) {
    throw new OciStoreError("DIGEST_MISMATCH", `the bytes are ${digest}, not ${expected}`, { digest: expected });
  }
  return digest;
}

function manifestDescriptor(
  { mediaType, artifactType, annotations }: Manifest,
  digest: Digest,
  size: number,
): Descriptor {
  return descriptor({ mediaType, digest, size, artifactType, annotations });
}

/** Without the fields that are not set, so that a descriptor prints as it should. */
function descriptor(fields: { [K in keyof Descriptor]: Descriptor[K] | undefined }): Descriptor {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as unknown as Descriptor;
}
