import type { Digest } from "../model/digest.ts";
import type { Ms, Signal } from "./environment.ts";
import type { Bytes, Located, Placement } from "./placement.ts";

/** What a blob store can do. The conformance suite leaves a test out only where one of these says so. */
export interface BlobStoreCapabilities {
  /**
   * Every upload gets a place of its own, and a place is never used twice. Deleting may then come late and run anywhere.
   * Where this is false a digest has one fixed place, and bytes may arrive there and leave it only inside the catalog's
   * critical section ({@link Upload.publish}, {@link BlobStore.delete}).
   */
  readonly generations: boolean;
  /** An upload can be opened again by its id, by another process too, and goes on where it stopped. */
  readonly resumableUploads: boolean;
  /** Several processes may use the store at once. */
  readonly multiWriter: boolean;
}

export interface UploadOptions extends Signal {
  readonly create?: boolean | undefined;
  /** The algorithm of the digest that will be committed, where it is known; `sha256` unless given. */
  readonly algorithm?: string | undefined;
  /** The digest that will be committed, where it is known: then the bytes can go straight to where they will lie. */
  readonly digest?: Digest | undefined;
  /** `false`: nobody will open it again, so what it has need not outlive the process before it is committed. */
  readonly keep?: boolean | undefined;
}

/** A part of a blob: from byte `start` (0 unless given) up to but not including byte `end` (its size unless given). */
export interface Range {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/**
 * Keeps bytes under their digest. It knows nothing of manifests, tags or liveness.
 *
 * What an implementation must hold to: only real absence is `NOT_FOUND` (or `undefined` from {@link BlobStore.stat});
 * a failure is an error of its own kind. Arguments arrive checked: digests are parsed, ranges lie inside the blob.
 */
export interface BlobStore {
  readonly capabilities: BlobStoreCapabilities;

  /** The size on record of what lies there and when it was last changed; `undefined` only if nothing does. */
  stat(placement: Placement, o?: Signal): Promise<{ readonly size: number; readonly modified: Ms } | undefined>;

  /**
   * The bytes as they lie there; not verified, which is core's task.
   *
   * @throws `NOT_FOUND` at the first piece if nothing lies there.
   */
  read(placement: Placement, o?: Signal & Range): Bytes;

  /** Opens an upload. With `create` it must be new (`ALREADY_EXISTS`), without it must exist (`UPLOAD_UNKNOWN`). */
  upload(id: string, o?: UploadOptions): Promise<Upload>;

  /** The uploads that are neither committed nor aborted. */
  uploads(o?: Signal): AsyncIterable<UploadInfo>;

  /** Everything that lies under a final name. In no order; what comes or goes meanwhile may be in it or not. */
  list(o?: Signal): AsyncIterable<Located>;

  /**
   * Erases bytes, and says of each whether it is gone; what was gone before counts as gone.
   * A store without generations is asked only inside {@link Catalog.purge}.
   */
  delete(
    placements: Iterable<Placement>,
    o?: Signal,
  ): AsyncIterable<{ readonly placement: Placement; readonly error?: unknown }>;

  /**
   * Keeps bytes that are damaged for a person to look at, under a name that nobody reads; they stay where they are besides.
   * A second call for the same bytes keeps nothing more.
   *
   * @returns Where they are kept; `undefined` if nothing lies there.
   */
  keepAside(placement: Placement, o?: Signal): Promise<string | undefined>;

  close(): Promise<void>;
}

/** An upload as it is at the moment. */
export interface UploadInfo {
  readonly id: string;
  /** How many bytes are stored. */
  readonly offset: number;
  /** When that changed last. */
  readonly touched: Ms;
  /** Who is writing to it, for people; absent if nobody is. */
  readonly holder?: string | undefined;
}

/**
 * Bytes on their way in. One writer at a time: a second one is refused with `LOCKED`. Who has written goes on being the writer
 * for other processes until it has published, aborted or {@link release}d, so each handle ends with one of them. In the same
 * process another handle may take over between two writes.
 */
export interface Upload {
  readonly id: string;
  /** How many bytes are stored. */
  readonly offset: number;

  /**
   * Appends, and resolves with the new offset. A source that fails half-way leaves what was stored before it failed.
   *
   * @throws `CONFLICT` if `at` is not the present offset; `LOCKED`, before the source is asked for anything.
   */
  write(chunks: Bytes, o: Signal & { readonly at: number }): Promise<number>;

  /**
   * Checks size and digest and makes the bytes durable. They are not to be read under their digest yet: {@link publish}
   * does that. Without a digest, the digest of the upload's algorithm is worked out and returned.
   *
   * @throws `DIGEST_MISMATCH`, `SIZE_MISMATCH`; the upload is gone then.
   */
  commit(digest: Digest | undefined, o?: Signal & { readonly size?: number }): Promise<Placement>;

  /**
   * Moves committed bytes to where the placement says, durably. May be called again with the same outcome. Called only by
   * {@link Catalog.add}. In a store with generations, whose bytes lie there already, it makes sure that they still do: nobody
   * knew of them since they were committed, so a collection may have taken them for garbage.
   *
   * @throws `UPLOAD_UNKNOWN` if there are no such bytes any more.
   */
  publish(o?: Signal): Promise<void>;

  /**
   * Lets go of it without ending it: whoever opens it next, in whichever process, goes on from where this one stopped. Harmless
   * when there is nothing to let go of. What was committed and not published is no longer committed.
   */
  release(o?: Signal): Promise<void>;

  /**
   * Forgets the upload and its bytes; harmless when it is gone, and after {@link publish}.
   *
   * @throws `LOCKED` if another is writing to it.
   */
  abort(o?: Signal): Promise<void>;
}
