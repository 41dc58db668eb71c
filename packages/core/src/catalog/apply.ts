import type { Draft, RepositoryDraft } from "./draft.ts";
import type { Overlay } from "./overlay.ts";
import { type CatalogState, EMPTY_REPOSITORY, type RepositoryState } from "./state.ts";

/** The state that a draft makes of the one it was drawn on. Tables without changes are shared between the two. */
export function applied(draft: Draft): CatalogState {
  const { base } = draft;
  const repositories = new Map(base.repositories);
  for (const [name, repository] of draft.touchedRepositories()) {
    if (repository.changed) repositories.set(name, appliedRepository(base.repositories.get(name), repository));
  }
  return {
    ...base,
    policy: draft.policy ?? base.policy,
    repositories,
    lost: appliedTable(base.lost, draft.lost),
    blobs: appliedTable(base.blobs, draft.blobs),
    records: appliedTable(base.records, draft.records),
    claims: appliedTable(base.claims, draft.claims),
    condemned: appliedTable(base.condemned, draft.condemned),
    runs: appliedTable(base.runs, draft.runs),
    leases: appliedTable(base.leases, draft.leases),
  };
}

function appliedRepository(base: RepositoryState = EMPTY_REPOSITORY, draft: RepositoryDraft): RepositoryState {
  return {
    manifests: appliedTable(base.manifests, draft.manifests),
    tags: appliedTable(base.tags, draft.tags),
    pins: appliedTable(base.pins, draft.pins),
    content: appliedTable(base.content, draft.content),
    referrers: appliedTable(base.referrers, draft.referrers),
  };
}

function appliedTable<K, V>(base: ReadonlyMap<K, V>, overlay: Overlay<K, V>): ReadonlyMap<K, V> {
  if (!overlay.changed) return base;
  const table = new Map(base);
  for (const [key, value] of overlay.changes) {
    if (value === undefined) table.delete(key);
    else table.set(key, value);
  }
  return table;
}
