import { type ErrorCode, OciStoreError } from "@ocistore/core";

/** The names of SQLite's result codes that say more than that it failed; an extended code begins with one of them. */
const CODES: readonly (readonly [string, ErrorCode])[] = [
  ["SQLITE_FULL", "NO_SPACE"],
  ["SQLITE_CORRUPT", "CORRUPT"],
  ["SQLITE_NOTADB", "CORRUPT"],
  ["SQLITE_READONLY", "READ_ONLY"],
  ["SQLITE_PERM", "PERMISSION"],
  ["SQLITE_AUTH", "PERMISSION"],
  ["SQLITE_BUSY", "LOCKED"],
  ["SQLITE_LOCKED", "LOCKED"],
];

/** Somebody else has the write lock, or is recovering: nothing has happened, and the same may succeed in a moment. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code?.startsWith("SQLITE_BUSY") === true || code?.startsWith("SQLITE_LOCKED") === true;
}

/** What the database throws, with a code of ours; everything else as it is. */
export function toOciStoreError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const [, known = "UNAVAILABLE"] = CODES.find(([name]) => code.startsWith(name)) ?? [];
  const { message } = error as Error;
  return new OciStoreError(known, `the catalog: ${message} (${code})`, {}, { cause: error });
}

/** @see https://www.sqlite.org/rescode.html */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}
