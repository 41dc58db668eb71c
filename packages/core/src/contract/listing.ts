import type { Digest } from "../model/digest.ts";
import type { Signal } from "./environment.ts";

/** A manifest that a listing has, with a tag or without one. */
export interface ListedManifest {
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType?: string | undefined;
  /** The listing says itself that it is a root of its own, whatever names it. */
  readonly own?: boolean | undefined;
}

/** What other tools see: the tags, and every manifest that is listed, tagged or not. */
export interface Listed {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly manifests: ReadonlyMap<Digest, ListedManifest>;
}

/** The listing as it was read. */
export interface ReadListing extends Listed {
  /** Of all its bytes. */
  readonly hash: string;
  /** What in it cannot be understood. It is kept, but it may name anything. */
  readonly faults: readonly string[];
  /** As it would be if it listed just this. Order, and whatever of it nobody here understands, stay as they are. */
  with(wanted: Listed): PreparedListing;
}

export interface PreparedListing {
  readonly hash: string;
  /** Puts it in place, whole and durable. `false`, and nothing has changed, if the listing is not the one that was read any more. */
  write(): Promise<boolean>;
}

/**
 * The list by which other tools know what is in a store: the `index.json` of an image layout. They write it as well, and honour
 * no lock, so a catalog that keeps its record elsewhere has to look at it.
 */
export interface Listing {
  /**
   * Another one if somebody may have written to it; `undefined` if that was so lately that the next time would not show. Cheap.
   *
   * @throws `LAYOUT_INVALID` if there is none.
   */
  stamp(o?: Signal): Promise<string | undefined>;
  /** @throws `LAYOUT_INVALID` if it is no listing, and stays none for as long as anybody takes to write one. */
  read(o?: Signal): Promise<ReadListing>;
}
