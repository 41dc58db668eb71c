export { applied } from "./apply.ts";
export { type CatalogCell, CellCatalog } from "./cell-catalog.ts";
export { Draft, RepositoryDraft } from "./draft.ts";
export { type CellFacts, type Glance, type Looked, recordedFacts } from "./facts.ts";
export { ManifestMemory } from "./graph/manifest-memory.ts";
export { Overlay } from "./overlay.ts";
export { recordOf } from "./record.ts";
export * as refusals from "./refusals.ts";
export type {
  CatalogState,
  Claim,
  CondemnedRow,
  Lease,
  Membership,
  Pin,
  RepositoryState,
  Run,
  Tables,
} from "./state.ts";
export { EMPTY_REPOSITORY } from "./state.ts";
