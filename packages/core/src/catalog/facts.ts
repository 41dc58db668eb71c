import type { ManifestRecord } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Located, Placement } from "../contract/placement.ts";
import type { Digest } from "../model/digest.ts";
import type { Draft } from "./draft.ts";

/** What can be known of bytes without reading them. */
export interface Glance extends Located {
  /** Another one if these are, or may be, other bytes. */
  readonly stamp: number;
}

/** What a look has found, or why there is no telling. */
export interface Looked {
  readonly glance?: Glance | undefined;
  readonly error?: unknown;
}

/**
 * What a cell catalog has to know besides its document. A catalog that records everything finds it in the document; a
 * plain layout looks at the disk.
 */
export interface CellFacts {
  /**
   * `recorded`: the document lists every manifest, and tells what is known of each. `listed`: there is one repository; a
   * manifest is stored if its bytes are, and the document lists those that nothing else leads to.
   */
  readonly membership: "recorded" | "listed";
  /** Bytes under their final name, where they are in use. */
  locate(draft: Draft, digest: Digest, o?: Signal): Promise<Located | undefined>;
  /**
   * Of each the same bytes as {@link CellFacts.record} would read, without reading them; an empty answer if they are not there.
   * Of what has been read under a stamp nothing is read again while the stamp is the same. Asked of many at once, since a store
   * is asked of all its manifests whenever its graph is made.
   *
   * @param o.isUnread Whether the one at this place will be asked for with {@link CellFacts.record} next, should it be there.
   */
  glances(
    draft: Draft,
    repository: string,
    digests: readonly Digest[],
    o?: Signal & { readonly isUnread?: ((at: number) => boolean) | undefined },
  ): Promise<readonly Looked[]>;
  /**
   * The manifest that these bytes are in a repository, in use or condemned; `undefined` if it is not there.
   *
   * @param o.mediaType What whoever names it says it is.
   * @param o.probe The bytes may be anything. `manifest`: what is plainly no manifest is `undefined` too. `mentions`: so is
   * what could not keep anything either; a document that mentions digests is taken for what it may be.
   * @throws if it is there and cannot be read or understood.
   */
  record(
    draft: Draft,
    repository: string,
    digest: Digest,
    o?: Signal & { readonly mediaType?: string | undefined; readonly probe?: "manifest" | "mentions" | undefined },
  ): Promise<ManifestRecord | undefined>;
  /** Where bytes lie once a run has condemned them. */
  condemnedPlace(placement: Placement, run: string, kind: "manifest" | "blob"): Placement;
}

/** Stamps of the same manifest where something is declared missing and where nothing is. */
const WHOLE = 0;
const SPARSE = 1;

/** The facts of a catalog whose document holds the tables `blobs` and `records`. */
export const recordedFacts: CellFacts = {
  membership: "recorded",
  locate: async (draft, digest) => draft.blobs.get(digest),
  glances: async (draft, repository, digests) => {
    const { manifests } = draft.repository(repository);
    return digests.map((digest) => {
      const member = manifests.get(digest);
      const record = member && draft.records.get(digest);
      if (!record) return {};
      const { size, generation, pushed: since } = record;
      return { glance: { digest, size, generation, since, stamp: member.absent ? SPARSE : WHOLE } };
    });
  },
  record: async (draft, repository, digest) => {
    const member = draft.repository(repository).manifests.get(digest);
    const record = member && draft.records.get(digest);
    if (!record || !member.absent) return record;
    const { absent } = member;
    const edges = record.edges.map((edge) => (absent.includes(edge.to) ? { ...edge, optional: true as const } : edge));
    return { ...record, edges };
  },
  condemnedPlace: (placement) => placement,
};
