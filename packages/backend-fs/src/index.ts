export {
  type ArchiveSummary,
  type ExportOptions,
  exportArchive,
  type OutgoingArchive,
  writeArchive,
} from "./archive/export-archive.ts";
export { type ImportOptions, type ImportReceipt, importArchive } from "./archive/import-archive.ts";
export { openArchive } from "./archive/open-archive.ts";
export type { SelectOptions } from "./archive/selection.ts";
export { spooled } from "./archive/spool.ts";
export { reported } from "./files/errors.ts";
export type { DirectoryEntry, FileHandle, FileKind, FileStat, FileSystem, OpenFlags } from "./files/file-system.ts";
export { nodeFileSystem } from "./files/node-file-system.ts";
export { fromFile } from "./from-file.ts";
export { hasCatalogBeside } from "./layout/plain.ts";
export { type OpenLockOptions, openLock } from "./lock/choose-lock.ts";
export type { AcquireOptions, Lock, Release } from "./lock/lock.ts";
export type { Liveness, Owner, OwnerProbe } from "./lock/owner.ts";
export {
  FOREIGN_POLICY,
  initLayout,
  type LayoutParts,
  type OpenLayoutOptions,
  OWN_POLICY,
  openLayout,
  openLayoutParts,
  SHARED_POLICY,
} from "./open.ts";
export { foreseeLayout, type RepairLayoutOptions, repairLayout } from "./repair/repair-layout.ts";
