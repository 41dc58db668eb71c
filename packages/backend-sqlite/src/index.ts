export type { Connect, Database, Statement } from "./database.ts";
export { type IndexedLayout, type IndexLayoutOptions, indexLayout } from "./index-layout.ts";
export { LayoutCatalog, type LayoutCatalogOptions, type ProjectionMode } from "./layout-catalog.ts";
export {
  DEFAULT_POLICY,
  layoutCatalog,
  type OpenLayoutCatalogOptions,
  type SqliteCatalogOptions,
  sqliteCatalog,
} from "./open.ts";
export type { ListingReport } from "./projection/projection.ts";
export { type RebuildOptions, type RebuiltCatalog, rebuildCatalog } from "./rebuild/rebuild-catalog.ts";
export { SqlCatalog, type SqlCatalogOptions } from "./sql-catalog.ts";
