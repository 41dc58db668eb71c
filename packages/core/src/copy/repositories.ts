import type { Range } from "../contract/blob-store.ts";
import type { Page } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Bytes } from "../contract/placement.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { Reference } from "../store/repository.ts";
import type { ManifestBytes, PutBlobOptions, PutManifestOptions } from "../store/session.ts";
import type { DescribedBlob } from "../store/source.ts";

// What a copy needs of either side. `Repository` is both; a client of a registry can be.

interface Side {
  /**
   * Repositories whose `store` is the same (by `===`: an object, or the address of a registry) share their bytes. A blob
   * that one has is then asked of the other with `has(…, { from: name })`, and no bytes move.
   */
  readonly store?: unknown;
  /** What `from` is to be for this repository. */
  readonly name?: string | undefined;
}

/**
 * Where a copy comes from. Nothing that it says is believed: bytes are checked against their digest, and what it says of
 * them against the bytes. What is not there is `NOT_FOUND`, and no other failure is.
 */
export interface ReadableRepository extends Side {
  /** The manifest that a tag or a digest is on: its type, digest and size. @throws `NOT_FOUND`. */
  resolve(reference: Reference, o?: Signal): Promise<Descriptor>;
  /** A manifest's bytes. @throws `NOT_FOUND`, `SIZE_MISMATCH` if there are more than `limit`. */
  bytes(manifest: Descriptor, o?: Signal & { readonly limit?: number | undefined }): Promise<Uint8Array>;
  /**
   * The bytes of anything that is named as a blob, whatever its type; or a part of them. `{ start: 0, end: 0 }` only asks
   * whether it is there. @throws `NOT_FOUND`.
   */
  blob(blob: Reference, o?: Signal & Range): Bytes;
  tags(page?: Page): AsyncIterable<{ readonly name: string; readonly digest: Digest }>;
  /** The manifests whose subject this is, with type, digest and size. */
  referrers(subject: Reference, page?: Page): AsyncIterable<Descriptor>;
  /** The manifests that name it in any way. A registry cannot tell, and has only `referrers`. */
  predecessors?(reference: Reference, o?: Signal): Promise<readonly Descriptor[]>;
}

/** Where a copy goes to. */
export interface WritableRepository extends Side {
  /** The manifest that a reference is on, or `undefined`. */
  find(reference: Reference, o?: Signal): Promise<Descriptor | undefined>;
  /** As {@link ReadableRepository.blob}; only a dry run needs it. */
  blob?(blob: Reference, o?: Signal & Range): Bytes;
  /**
   * Does the work in a session: what is put there, or said to be there, stays at least until the session ends, and longer if
   * the work failed, for another try.
   */
  session<T>(work: (session: WritableSession) => Promise<T>, o?: Signal): Promise<T>;
}

/** See `Session`, which is one. */
export interface WritableSession {
  /**
   * The bytes of which of these are there, and held from now on; whether they are a manifest is for `find` to tell.
   * `from`: another repository of the same store to look in.
   */
  has(digests: readonly Digest[], o?: Signal & { readonly from?: string | undefined }): Promise<ReadonlySet<Digest>>;
  /**
   * A copy gives a `stream` that can begin at any byte, and asks for `resume` with what is large.
   *
   * @throws `DIGEST_MISMATCH`, `SIZE_MISMATCH` if the bytes are not what was said.
   */
  putBlob(blob: DescribedBlob, o?: PutBlobOptions): Promise<Descriptor>;
  /** The manifest and its tags, in one step. @throws `CONFLICT` if `expect` does not hold. */
  putManifest(manifest: ManifestBytes, o?: PutManifestOptions): Promise<Descriptor>;
}
