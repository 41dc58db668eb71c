export type { Connect, Database, Statement } from "./database.ts";
export { DEFAULT_POLICY, type SqliteCatalogOptions, sqliteCatalog } from "./open.ts";
export { SqlCatalog, type SqlCatalogOptions } from "./sql-catalog.ts";
