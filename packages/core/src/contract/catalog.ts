import type { Annotations } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { Edge } from "../model/edge.ts";
import type { BlobStore } from "./blob-store.ts";
import type { Ms, Signal } from "./environment.ts";
import type { Finding } from "./finding.ts";
import type { Located, Placement } from "./placement.ts";
import type { RetentionRule } from "./retention.ts";

export interface CatalogCapabilities {
  /** The catalog keeps the edges of every manifest, so that no liveness question reads a manifest. */
  readonly edges: boolean;
  /** {@link Catalog.candidates} knows what may have become garbage; without it a collection marks the whole store. */
  readonly queue: boolean;
  /** More than one repository. Without it there is one, named `""`, whose content is what the blob store holds. */
  readonly repositories: boolean;
  /** Condemned content outlives the process that condemned it. */
  readonly window: boolean;
}

/** How long what was removed, or never referenced, stays. Kept in the store, so that every process follows the same. */
export interface Policy {
  /** Collection leaves alone what lost its last reason to live, or arrived, less than so long ago. */
  readonly grace: Ms;
  /** How long condemned content can be brought back. */
  readonly window: Ms;
  /** How long a collection leaves condemned content in place for writers that honour no lock; a removal never waits. */
  readonly wait: Ms;
  /** A collection drops the `own` mark of what is older than this; never unless given. */
  readonly untagged?: Ms | undefined;
  /**
   * Set by a backend, never by a caller: another tool made this store, and nobody has set a policy yet. What is untagged in
   * it may be meant to stay.
   */
  readonly foreign?: true | undefined;
  /** Which tags a collection takes away, in order: the first rule that speaks of a tag decides. None unless given. */
  readonly retention?: readonly RetentionRule[] | undefined;
}

/** What is known of a manifest that is stored. */
export interface ManifestRecord extends Placement {
  readonly mediaType: string;
  readonly artifactType?: string | undefined;
  readonly annotations?: Annotations | undefined;
  readonly edges: readonly Edge[];
  /** When it came into this repository. */
  readonly pushed: Ms;
}

/**
 * A node of the content graph. With a repository: that manifest in that repository, whose liveness decides what can be
 * read there. Without: the bytes of a digest, which live while anything in any repository keeps them.
 */
export interface GraphNode {
  readonly repository: string | undefined;
  readonly digest: Digest;
}

/** Why a node is live of itself. `name` is the tag, the pin, or the owner of the claim. */
export interface Root extends GraphNode {
  readonly why: "tag" | "pin" | "claim" | "own";
  readonly name?: string | undefined;
}

/** A manifest that is stored but cannot be read or understood, so that nobody knows what it names. */
export interface Unreadable extends GraphNode {
  readonly error: unknown;
}

/**
 * The questions that the rule of liveness asks. Whether all answers are of one moment is the catalog's choice; whatever
 * acts on one is checked again in the catalog's critical section.
 */
export interface GraphReader {
  /** Tags that are no referrer machinery, pins and claims that have not run out, and the `own` mark. */
  roots(node: GraphNode, o?: Signal): Promise<readonly Root[]>;
  /**
   * The stored manifests that name it as content. For bytes also the manifests they are, which come first, and those whose subject
   * they are. There may be very many, and who asks may need only the first: they can be found out as they are gone through.
   */
  parents(node: GraphNode, o?: Signal): Promise<Iterable<GraphNode>>;
  /** The stored manifests that it refers to: its subject, and what a referrer tag on it is named after. */
  subjects(node: GraphNode, o?: Signal): Promise<readonly GraphNode[]>;
  /** The reverse of {@link subjects}. */
  referrers(node: GraphNode, o?: Signal): Promise<readonly GraphNode[]>;
  /** Every manifest that is stored, in every repository. Its annotations may be left out: {@link manifest} has them. */
  manifests(o?: Signal): AsyncIterable<GraphNode & { readonly record: ManifestRecord }>;
  /** Every root. */
  allRoots(o?: Signal): AsyncIterable<Root>;
  unreadable(o?: Signal): AsyncIterable<Unreadable>;
  /** As {@link Catalog.manifest}, without asking the catalog anew. */
  manifest(repository: string, digest: Digest, o?: Signal & Mentions): Promise<ManifestRecord | undefined>;
  /** As {@link Catalog.locate}, without asking the catalog anew. */
  locate(repository: string | undefined, digest: Digest, o?: Signal): Promise<Located | undefined>;
}

/** What counts as a manifest. */
export interface Mentions {
  /**
   * Also a document of a type nobody knows, if it mentions digests: it may need what it mentions. Only a catalog without
   * `edges` has to be told, since another knows what was pushed as a manifest.
   */
  readonly mentions?: boolean | undefined;
}

/** One step of {@link Catalog.change}. */
export type Change =
  /** Record a manifest whose bytes are stored. What it names must be stored, unless `sparse` or optional. */
  | { readonly do: "put"; readonly manifest: ManifestRecord; readonly sparse?: boolean }
  /** `expect`: what the tag must point to now; `null`, that it must be new. */
  | { readonly do: "tag"; readonly name: string; readonly to: Digest; readonly expect?: Digest | null | undefined }
  | { readonly do: "untag"; readonly name: string; readonly expect?: Digest | undefined }
  /**
   * Take a manifest out of the repository with its tags; `IN_USE` while a live manifest, a pin or a claim holds it.
   * `tags`: the tags that may go with it, and any other holds it too; all may go unless given.
   */
  | { readonly do: "remove"; readonly manifest: Digest; readonly tags?: readonly string[] | undefined }
  /**
   * The same, but only if nothing keeps it once the other steps are done; skipped silently otherwise. Its grace goes on: it
   * is counted from the loss of its last reason, which was before.
   */
  | { readonly do: "drop"; readonly manifest: Digest }
  /** Make it a root of its own, as `children: "keep"` asks. */
  | { readonly do: "keep"; readonly manifest: Digest }
  /**
   * Take a tag away that a rule has judged. Skipped silently if it has gone or moved meanwhile, or if its manifest has been
   * pushed again or touched after `before`; no grace begins by it.
   */
  | { readonly do: "expire"; readonly name: string; readonly on: Digest; readonly before?: Ms | undefined }
  /**
   * Take the `own` mark off a manifest for its age. Skipped silently if it has none, or has arrived or been touched after
   * `before`; no grace begins by it.
   */
  | { readonly do: "disown"; readonly manifest: Digest; readonly before: Ms }
  /** Take away the repository's right to read a blob; `IN_USE` while a manifest there names it. */
  | { readonly do: "unlink"; readonly blob: Digest }
  | { readonly do: "pin"; readonly name: string; readonly digest: Digest; readonly until?: Ms | undefined }
  | { readonly do: "unpin"; readonly name: string };

/** Bytes that are to go out of use. */
export interface CondemnItem extends Placement {
  readonly kind: "manifest" | "blob";
}

/** Bytes that a removal took out of use. They can be brought back until they are purged. */
export interface Condemned extends CondemnItem {
  /** The run that condemned them; its record says what else went with them. */
  readonly run: string;
  /** Until when they stay. */
  readonly until: Ms;
}

/** What a removal or a collection took out, as far as it is still remembered. */
export interface RemovalRun {
  readonly run: string;
  readonly at: Ms;
  /** Until when it can be undone for certain; after that, until something of it is erased. */
  readonly until: Ms;
  readonly tags: readonly { readonly repository: string; readonly name: string; readonly digest: Digest }[];
  /** The manifests that went out of a repository. */
  readonly manifests: readonly { readonly repository: string; readonly digest: Digest }[];
  /** How many digests wait to be erased, and their bytes. */
  readonly content: number;
  readonly bytes: number;
}

/** What {@link Catalog.undo} has brought back. */
export interface Undone {
  readonly run: string;
  readonly tags: RemovalRun["tags"];
  /** Tags that are on something else by now and were left there. */
  readonly left: RemovalRun["tags"];
  readonly manifests: RemovalRun["manifests"];
  /** Digests whose bytes are in use again. */
  readonly content: readonly Digest[];
}

/** After `after`, in the order of the listing; at most `limit`. */
export interface Page extends Signal {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** Of {@link Catalog.claim}. */
export interface ClaimOptions extends Signal {
  readonly until: Ms;
  /** A second repository to look in, whose content is then held in this one. */
  readonly from?: string | undefined;
}

/** Of {@link Catalog.change}. */
export interface ChangeOptions extends Signal {
  /** What is taken out is written down under this run, durably and before it goes, so that it can be undone. */
  readonly run?: string | undefined;
  /** Until when that can be undone; now unless given. */
  readonly until?: Ms | undefined;
  /** `drop` leaves alone what lost its last reason after this, and what that keeps; none unless given. */
  readonly before?: Ms | undefined;
}

/** Of {@link Catalog.condemn}. */
export interface CondemnOptions extends Signal {
  readonly run: string;
  readonly until: Ms;
  readonly before?: Ms | undefined;
  readonly epoch?: number | undefined;
}

/** Of {@link Catalog.purge}. */
export interface PurgeOptions extends Signal {
  readonly due: Ms;
  readonly limit: number;
  readonly epoch?: number | undefined;
  readonly run?: string | undefined;
}

/** Erases bytes, and says which are gone: {@link BlobStore.delete}. */
export type Erase = (placements: readonly Placement[]) => Promise<readonly Digest[]>;

/** Of {@link Catalog.replaceCopy}. */
export interface ReplaceOptions extends Signal {
  readonly by?: Arrival | undefined;
  /** Called in the critical section, perhaps more than once: whether the copy is damaged still. */
  confirm(o?: Signal): Promise<boolean>;
  /** Called where the copy is in nobody's use any more. */
  readonly erase: Erase;
}

/** Bytes that are to become known. */
export interface Arrival {
  readonly placement: Placement;
  /** {@link Upload.publish}; called in the catalog's critical section, perhaps more than once. */
  publish(o?: Signal): Promise<void>;
}

/**
 * The record of manifests, edges, tags and claims: a few commands, each of which happens as a whole or not at all.
 *
 * What is promised is the outcome, not a transaction: once {@link claim}, {@link add} or {@link change} has resolved, no
 * purge of the placements it named begins before the claim, or the reference, has ended. Every answer that resolves is
 * durable. Names, digests and times arrive checked.
 */
export interface Catalog {
  readonly capabilities: CatalogCapabilities;

  /** Tells this store from every other, for plans that are applied later. */
  identity(o?: Signal): Promise<string>;
  policy(o?: Signal): Promise<Policy>;
  setPolicy(policy: Policy, o?: Signal): Promise<void>;

  /**
   * A writer's "have you got these?", and the only "yes" to build on: what is in the answer is held until `until`, or
   * until {@link release}; what is absent is left out. Condemned content that is asked for is brought back, a manifest
   * together with all that it names.
   */
  claim(
    owner: string,
    repository: string,
    digests: readonly Digest[],
    o: ClaimOptions,
  ): Promise<ReadonlyMap<Digest, Placement>>;
  /** New bytes become known, readable and claimed. */
  add(
    owner: string,
    repository: string,
    arrivals: readonly Arrival[],
    o: Signal & { readonly until: Ms },
  ): Promise<void>;
  /** Move the end of all claims of an owner that have not run out; without `until`, end them now. */
  release(owner: string, o?: Signal & { readonly until?: Ms | undefined }): Promise<void>;

  /**
   * All steps or none.
   *
   * @throws `MISSING_CONTENT`, `CONFLICT` (an `expect` that does not hold), `IN_USE`, `NOT_FOUND`.
   * @returns The manifests that were removed or dropped.
   */
  change(repository: string, changes: readonly Change[], o?: ChangeOptions): Promise<readonly Digest[]>;

  /**
   * Become the one that collects, for `ttl`; `undefined` if another is. The epoch fences what a stalled collector does late.
   * With `renew`, an epoch that one holds, stay that one for another `ttl`; `undefined` if another has followed.
   */
  lease(name: string, ttl: Ms, o?: Signal & { readonly renew?: number | undefined }): Promise<number | undefined>;
  endLease(name: string, epoch: number, o?: Signal): Promise<void>;

  /**
   * Take bytes out of use. Each is checked again: unreferenced, unclaimed, and arrived or lost not after `before`.
   * Bytes that the catalog has never heard of are taken in as condemned.
   *
   * @returns Those that were condemned: perhaps fewer than asked, never more.
   */
  condemn(items: readonly CondemnItem[], o: CondemnOptions): Promise<readonly Digest[]>;
  /** Bring condemned bytes back, a manifest with all that it names. Returns those that are in use again. */
  revive(digests: readonly Digest[], o?: Signal): Promise<readonly Digest[]>;
  /**
   * Makes as if a run had never been, in one step: its tags, its manifests with what they were (their `own` mark too), and
   * its bytes, but for what has been done since. Pins and claims are left alone, and a grace that is lost begins anew.
   *
   * @param o.moved What to do about a tag of the run that is on something else by now. `leave` it there; what it was on then
   * comes back as a root of its own. `take` it back. `CONFLICT` unless given.
   * @throws `NOT_FOUND` if there is no such run (any more); `CONFLICT`; `MISSING_CONTENT` if a part that a manifest of it
   * needs has been erased since. Then nothing has changed.
   */
  undo(run: string, o?: Signal & { readonly moved?: "leave" | "take" | undefined }): Promise<Undone>;
  /**
   * Erase what was condemned until `due` or before, parents first. Each is looked at once more: what has become
   * referenced since is brought back instead. `erase` is {@link BlobStore.delete}, and returns what is gone.
   */
  purge(
    erase: Erase,
    o: PurgeOptions,
  ): Promise<{ readonly purged: readonly Condemned[]; readonly revived: readonly Digest[] }>;

  /**
   * Takes a damaged copy out of use. `by`, a sound copy of the same digest, takes its place in the same step; without it the
   * digest is absent from then on, for whoever has it to store it anew, while what names it stays as it is.
   *
   * @returns Whether that was done; not if the copy is not the one in use, or is sound by now.
   * @throws `IN_USE` without `by`, if it is a manifest of a repository: what it names would be garbage.
   */
  replaceCopy(damaged: Placement, o: ReplaceOptions): Promise<boolean>;

  /** The content graph as it is now. */
  graph(o?: Signal): Promise<GraphReader>;
  resolve(repository: string, tag: string, o?: Signal): Promise<Digest | undefined>;
  /** @throws `CORRUPT` and the like if it is stored and cannot be read. */
  manifest(repository: string, digest: Digest, o?: Signal & Mentions): Promise<ManifestRecord | undefined>;
  /** Bytes that may be read in a repository; in the whole store with `undefined`. */
  locate(repository: string | undefined, digest: Digest, o?: Signal): Promise<Located | undefined>;
  /** In the order of their ASCII codes. */
  tags(repository: string, page?: Page): AsyncIterable<{ readonly name: string; readonly digest: Digest }>;
  repositories(page?: Page): AsyncIterable<string>;
  pins(
    repository: string,
    o?: Signal,
  ): AsyncIterable<{ readonly name: string; readonly digest: Digest; readonly until?: Ms | undefined }>;
  /** The stored manifests whose subject this is, stored or not; in the order of their digests. */
  referrers(
    repository: string,
    subject: Digest,
    page?: Page & { readonly artifactType?: string | undefined },
  ): AsyncIterable<ManifestRecord>;
  /**
   * What may have become garbage: what lost a reason to live, or came without one, at `due` or before. Everything that
   * nothing keeps is in it, or is named by something that is, or refers to it; what has come back to life is in it too, until
   * {@link review} has seen that. Only with the capability `queue`, as that.
   */
  candidates(o: Signal & { readonly due: Ms; readonly limit: number }): AsyncIterable<Digest>;
  /**
   * Looks at candidates again, each in the catalog's critical section: what is kept by something that does not end by time is no
   * candidate any more, and what a claim or a pin holds is one again from now on. What nothing keeps stays one.
   */
  review(digests: readonly Digest[], o?: Signal): Promise<void>;
  condemned(o?: Signal): AsyncIterable<Condemned>;
  /** The runs that can be undone, or of which something still waits to be erased; the latest first. */
  runs(o?: Signal): AsyncIterable<RemovalRun>;
  /**
   * What the record says and neither the bytes nor another row of it bears out. Only where the record is kept apart from the bytes;
   * what names something absent is no part of it, since {@link graph} tells that.
   */
  audit?(blobs: Pick<BlobStore, "stat">, o?: Signal): AsyncIterable<Finding>;
  close(): Promise<void>;
}
