import type { Digest } from "../model/digest.ts";
import type { BlobStore } from "./blob-store.ts";
import type { Catalog } from "./catalog.ts";
import type { Signal } from "./environment.ts";

/** Something that is not as it should be. */
export interface Finding {
  /** An error loses content that something refers to; a warning does not; a note is only good to know. */
  readonly level: "error" | "warning" | "note";
  readonly code:
    | "missing"
    | "size"
    | "corrupt"
    | "unreadable"
    | "dangling"
    /** Bytes of which the catalog does not know. */
    | "unrecorded"
    /** The catalog has other links of a manifest than its bytes. */
    | "edges"
    /** The list that other tools read says otherwise than the catalog. */
    | "listing"
    /** The catalog itself. */
    | "catalog"
    | "layout"
    | "leftover"
    | "aside";
  readonly digest?: Digest | undefined;
  readonly repository?: string | undefined;
  /** A manifest that refers to it, or a tag. */
  readonly namedBy?: string | undefined;
  /** A file, where it is about one. */
  readonly path?: string | undefined;
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** What was done about it, or would be in a dry run; absent where it is as it was. */
  readonly repaired?: string | undefined;
}

export interface UpkeepOptions extends Signal {
  /** Mend what can be mended; only look unless given. */
  readonly repair?: boolean | undefined;
}

/** What a repair would find and do, and the store as it would be then, to look at only. Whoever asked closes both halves. */
export interface Foreseen {
  readonly findings: readonly Finding[];
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
}

/**
 * What a backend keeps besides content and catalog: its own files, which no command of the contract speaks of. Nothing
 * that it takes away is destroyed; and what a newer version has written is `UNSUPPORTED`, and left alone.
 */
export interface Upkeep {
  look(o?: UpkeepOptions): Promise<readonly Finding[]>;
  /** For a dry run, which goes on with what it gives. Changes nothing, times included. */
  foresee(o?: Signal): Promise<Foreseen>;
}
