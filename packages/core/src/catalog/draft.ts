import type { ManifestRecord, Policy } from "../contract/catalog.ts";
import type { Ms } from "../contract/environment.ts";
import type { Located } from "../contract/placement.ts";
import type { Digest } from "../model/digest.ts";
import { Overlay } from "./overlay.ts";
import {
  type CatalogState,
  type Claim,
  type CondemnedRow,
  EMPTY_REPOSITORY,
  type Lease,
  type Membership,
  type Pin,
  type RepositoryState,
  type Run,
} from "./state.ts";

export class RepositoryDraft {
  readonly manifests: Overlay<Digest, Membership>;
  readonly tags: Overlay<string, Digest>;
  readonly pins: Overlay<string, Pin>;
  readonly content: Overlay<Digest, number>;
  readonly referrers: Overlay<Digest, readonly Digest[]>;
  /** What this draft takes out. On a layout its bytes lie there still, and would be found again through what names it. */
  readonly taken = new Set<Digest>();

  constructor(base: RepositoryState) {
    this.manifests = new Overlay(base.manifests);
    this.tags = new Overlay(base.tags);
    this.pins = new Overlay(base.pins);
    this.content = new Overlay(base.content);
    this.referrers = new Overlay(base.referrers);
  }

  get changed(): boolean {
    return this.manifests.changed || this.tags.changed || this.pins.changed;
  }
}

/**
 * A state with changes on top. The commands write into one; a cell puts its changes into effect, so a draft is also the
 * patch of {@link DocumentCell}. The state below is never written to.
 */
export class Draft {
  readonly base: CatalogState;
  readonly lost: Overlay<Digest, Ms>;
  readonly blobs: Overlay<Digest, Located>;
  readonly records: Overlay<Digest, ManifestRecord>;
  readonly claims: Overlay<string, Claim>;
  readonly condemned: Overlay<Digest, CondemnedRow>;
  readonly runs: Overlay<string, Run>;
  readonly leases: Overlay<string, Lease>;
  /** Content whose grace starts now. A cell that has no table of blobs notes it where it can. */
  readonly touched = new Set<Digest>();
  policy: Policy | undefined;
  readonly #repositories = new Map<string, RepositoryDraft>();

  constructor(base: CatalogState) {
    this.base = base;
    this.lost = new Overlay(base.lost);
    this.blobs = new Overlay(base.blobs);
    this.records = new Overlay(base.records);
    this.claims = new Overlay(base.claims);
    this.condemned = new Overlay(base.condemned);
    this.runs = new Overlay(base.runs);
    this.leases = new Overlay(base.leases);
  }

  repository(name: string): RepositoryDraft {
    let draft = this.#repositories.get(name);
    if (!draft) {
      draft = new RepositoryDraft(this.base.repositories.get(name) ?? EMPTY_REPOSITORY);
      this.#repositories.set(name, draft);
    }
    return draft;
  }

  /** The names of all repositories, new ones included. */
  repositoryNames(): Set<string> {
    return new Set([...this.base.repositories.keys(), ...this.#repositories.keys()]);
  }

  /** The repositories that this draft may have changed. */
  touchedRepositories(): ReadonlyMap<string, RepositoryDraft> {
    return this.#repositories;
  }

  /** Its grace starts at `now`. */
  touch(digest: Digest, now: Ms): void {
    this.touched.add(digest);
    const row = this.blobs.get(digest);
    if (row) this.blobs.set(digest, { ...row, since: now });
  }

  get changed(): boolean {
    const tables = [this.lost, this.blobs, this.records, this.claims, this.condemned, this.runs, this.leases];
    return (
      this.policy !== undefined ||
      this.touched.size > 0 ||
      tables.some((table) => table.changed) ||
      [...this.#repositories.values()].some((repository) => repository.changed)
    );
  }
}
