import type { ErrorCode } from "@ocistore/core";
import type { Call } from "../../../packages/backend-fs/test/support/faulty-file-system.ts";

/** What each failure of the platform is for the caller of the store. */
export const CODES = {
  EIO: "UNAVAILABLE",
  ENOSPC: "NO_SPACE",
  EACCES: "PERMISSION",
  EROFS: "READ_ONLY",
  EMFILE: "UNAVAILABLE",
  EDQUOT: "NO_SPACE",
  EPERM: "PERMISSION",
  ESTALE: "UNAVAILABLE",
  EINTR: "UNAVAILABLE",
  ELOOP: "LAYOUT_INVALID",
  ENAMETOOLONG: "LAYOUT_INVALID",
  EXDEV: "UNAVAILABLE",
} as const satisfies Readonly<Record<string, ErrorCode>>;

export type Errno = keyof typeof CODES;

/** What a path is told again whenever it is asked for. */
export const LASTING: readonly Errno[] = ["ELOOP", "ENAMETOOLONG"];

/** Those that every call that can meet them meets in every run; the others take turns, unless all are asked for. */
export const MAIN: readonly Errno[] = ["EIO", "ENOSPC", "EACCES", "EROFS", "EMFILE"];

const ANY: readonly Errno[] = ["EIO", "ESTALE"];
const PATH: readonly Errno[] = ["EACCES", "ELOOP", "ENAMETOOLONG"];
const DESCRIPTOR: readonly Errno[] = ["EMFILE"];
const SPACE: readonly Errno[] = ["ENOSPC", "EDQUOT"];
const CHANGE: readonly Errno[] = ["EROFS", "EPERM"];

/** By call: what Linux and its file systems answer to it. A read never finds the disk full, an open file is never forbidden. */
const ANSWERS: Readonly<Record<Call["name"], readonly Errno[]>> = {
  open: [...ANY, ...PATH, ...DESCRIPTOR, "EPERM", "EINTR"],
  lstat: [...ANY, ...PATH],
  readdir: [...ANY, ...PATH, ...DESCRIPTOR],
  realpath: [...ANY, ...PATH],
  syncDirectory: [...ANY, ...PATH, ...DESCRIPTOR, ...SPACE],
  mkdir: [...ANY, ...PATH, ...SPACE, ...CHANGE],
  rmdir: [...ANY, ...PATH, ...SPACE, ...CHANGE],
  rename: [...ANY, ...PATH, ...SPACE, ...CHANGE, "EXDEV"],
  link: [...ANY, ...PATH, ...SPACE, ...CHANGE, "EXDEV"],
  // Where nothing is written over, as on btrfs and ZFS, even that takes space.
  unlink: [...ANY, ...PATH, ...SPACE, ...CHANGE],
  touch: [...ANY, ...PATH, ...SPACE, ...CHANGE],
  chmod: [...ANY, ...PATH, ...SPACE, ...CHANGE],
  read: [...ANY, "EINTR"],
  write: [...ANY, ...SPACE, "EINTR"],
  sync: [...ANY, ...SPACE],
  truncate: [...ANY, ...SPACE, "EINTR"],
  close: [...ANY, ...SPACE, "EINTR"],
  stat: [...ANY],
};

export function answersTo({ name, flags }: Call): readonly Errno[] {
  if (name !== "open" || flags === "r") return ANSWERS[name];
  return flags === "r+" ? [...ANSWERS.open, "EROFS"] : [...ANSWERS.open, "EROFS", ...SPACE];
}

const CHANGING: ReadonlySet<Call["name"]> = new Set([
  "write",
  "sync",
  "truncate",
  "syncDirectory",
  "rename",
  "link",
  "unlink",
  "mkdir",
  "rmdir",
  "touch",
]);

/** Whether its answer may get lost after it was done, and it matters. */
export function changes({ name, flags }: Call): boolean {
  return CHANGING.has(name) || flags === "wx";
}
