import type { BlobStore, BlobStoreCapabilities, Catalog, CatalogCapabilities } from "@ocistore/core";
import type { ManualEnvironment } from "./environment.ts";

/** The two halves of a store. */
export interface Pair {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
}

/** A store for one test: empty, and of no concern to any other. */
export interface Harness extends Pair {
  /**
   * Opens what lies there once more, as another process would. The suite does so after it has closed the first pair, and
   * beside it if the blob store declares `multiWriter`. It closes what it gets.
   */
  reopen(): Promise<Pair>;
  /** Lets the storage below fail; needed if the declaration says `faults`. */
  readonly faults?: Faults | undefined;
  /** Tidies away everything; the suite has closed the pairs by then. */
  close(): Promise<void>;
}

/** A hand on the storage below the blob store. */
export interface Faults {
  /** From now on every access to stored bytes fails with this, as a disk or a network would; `undefined` ends it. */
  fail(error: Error | undefined): void;
}

/** Makes a store for one test. Its times and its chance must come from `env`. */
export type Factory = (env: ManualEnvironment) => Promise<Harness>;

/** What a backend says of itself, ahead of the first test. The suite checks that its instances say the same. */
export interface Declaration {
  readonly blobs: BlobStoreCapabilities;
  readonly catalog: CatalogCapabilities;
  /** The harness can let the storage fail. Not a capability of a store, but of its tests. */
  readonly faults?: boolean | undefined;
}
