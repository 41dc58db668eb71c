import type { Condemned, ManifestRecord, Policy } from "../contract/catalog.ts";
import type { Ms } from "../contract/environment.ts";
import type { Located } from "../contract/placement.ts";
import type { Digest } from "../model/digest.ts";

/** That a manifest is in a repository. */
export interface Membership {
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType?: string | undefined;
  /**
   * *Stored, and nothing has named it yet*: a root of its own. A recorded fact; `undefined` only where being listed is the
   * only record there is (a plain layout), and then what listed entries explain each other decides.
   */
  readonly own: boolean | undefined;
  readonly pushed: Ms;
  /** What was declared missing when it was put here; in another repository the same manifest may be whole. */
  readonly absent?: readonly Digest[] | undefined;
}

export interface Pin {
  readonly digest: Digest;
  readonly until?: Ms | undefined;
}

export interface RepositoryState {
  readonly manifests: ReadonlyMap<Digest, Membership>;
  readonly tags: ReadonlyMap<string, Digest>;
  readonly pins: ReadonlyMap<string, Pin>;
  /** How many members name a digest as content. Empty where the disk is the record. */
  readonly content: ReadonlyMap<Digest, number>;
  /** Subject to the members that refer to it, stored or not. Empty where the disk is the record. */
  readonly referrers: ReadonlyMap<Digest, readonly Digest[]>;
}

/** What an open session holds. */
export interface Claim {
  readonly until: Ms;
  /** Repository, then digests. */
  readonly held: ReadonlyMap<string, ReadonlySet<Digest>>;
}

/** Bytes out of use, with what it takes to bring them back whole. */
export interface CondemnedRow extends Condemned {
  /** New each time something is condemned: a mark that was lifted and set again is another mark. */
  readonly id: string;
  readonly purging: boolean;
  /** The repositories that had it, and so may have it back; with the membership, where it was a manifest there. */
  readonly repositories: ReadonlyMap<string, Membership | undefined>;
}

/** What a run took out, for `undo`. Tables that are not there are empty. */
export interface Run {
  readonly at: Ms;
  /** Until when it can be undone. */
  readonly until: Ms;
  /** Manifests that stayed, or were not listed, and whose `own` mark it changed; each as it was. */
  readonly marks?:
    | readonly { readonly repository: string; readonly digest: Digest; readonly membership: Membership | undefined }[]
    | undefined;
  /** What was missing already below what it took: nobody has to miss that when it comes back. */
  readonly absent?: readonly Digest[] | undefined;
  /** What the cell keeps besides, of no concern to anybody else: the entries of a listing, to the letter. */
  readonly entries?: readonly unknown[] | undefined;
  readonly tags: readonly { readonly repository: string; readonly name: string; readonly digest: Digest }[];
  readonly manifests: readonly {
    readonly repository: string;
    readonly digest: Digest;
    readonly membership: Membership;
  }[];
}

export interface Lease {
  readonly epoch: number;
  readonly until: Ms;
}

/** The tables of the document. `blobs` and `records` are empty where a look at the disk answers instead. */
export interface Tables {
  /**
   * Manifests that have lost their last reason, and when: what they name shares their grace. Empty where a manifest that
   * nothing keeps is still on record.
   */
  readonly lost: ReadonlyMap<Digest, Ms>;
  readonly blobs: ReadonlyMap<Digest, Located>;
  readonly records: ReadonlyMap<Digest, ManifestRecord>;
  readonly claims: ReadonlyMap<string, Claim>;
  readonly condemned: ReadonlyMap<Digest, CondemnedRow>;
  readonly runs: ReadonlyMap<string, Run>;
  readonly leases: ReadonlyMap<string, Lease>;
}

/** The whole document of a cell catalog. */
export interface CatalogState extends Tables {
  readonly identity: string;
  readonly policy: Policy;
  readonly repositories: ReadonlyMap<string, RepositoryState>;
  /** What in the document could not be understood. It can be read past, but nothing is deleted while there is any. */
  readonly faults: readonly string[];
}

export const EMPTY_REPOSITORY: RepositoryState = {
  manifests: new Map(),
  tags: new Map(),
  pins: new Map(),
  content: new Map(),
  referrers: new Map(),
};
