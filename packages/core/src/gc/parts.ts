import type { BlobStore } from "../contract/blob-store.ts";
import type { Catalog } from "../contract/catalog.ts";
import type { Environment } from "../contract/environment.ts";
import type { OnEvent } from "../contract/events.ts";
import type { Upkeep } from "../contract/finding.ts";

/** What every task works on: the two halves of a store, and its time. */
export interface Parts {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly env: Environment;
  readonly upkeep?: Upkeep | undefined;
  /** Told what has happened; never throws. */
  readonly emit?: OnEvent | undefined;
}
