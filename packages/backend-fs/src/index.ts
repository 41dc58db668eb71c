export type { DirectoryEntry, FileHandle, FileKind, FileStat, FileSystem, OpenFlags } from "./files/file-system.ts";
export { nodeFileSystem } from "./files/node-file-system.ts";
export { fromFile } from "./from-file.ts";
export { type OpenLockOptions, openLock } from "./lock/choose-lock.ts";
export type { AcquireOptions, Lock, Release } from "./lock/lock.ts";
export {
  FOREIGN_POLICY,
  initLayout,
  type OpenLayoutOptions,
  OWN_POLICY,
  openLayout,
  SHARED_POLICY,
} from "./open.ts";
