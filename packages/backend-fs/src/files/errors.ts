import { type ErrorCode, isOciStoreError, OciStoreError } from "@ocistore/core";

const CODES = new Map<string, ErrorCode>([
  ...of("NO_SPACE", "ENOSPC", "EDQUOT", "EFBIG"),
  ...of("PERMISSION", "EACCES", "EPERM"),
  ...of("READ_ONLY", "EROFS"),
  ...of("UNAVAILABLE", "EMFILE", "ENFILE", "EAGAIN", "EBUSY", "ESTALE", "ETIMEDOUT", "EIO"),
  ...of("LAYOUT_INVALID", "ELOOP", "ENOTDIR", "EISDIR", "ENAMETOOLONG"),
]);

/** Whether `error` is a platform error of one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(error.code as string);
}

/**
 * What the caller of the store gets to see of a failed file call: our error, with the platform's as its `cause` and the
 * path in its data. `what` completes "cannot …", as in "read the index".
 *
 * Three things pass unchanged: what is no platform error (one of ours, a `TypeError`, the reason of a signal); the
 * reason of `signal` even if it looks like one; and `ENOENT`, because only the caller knows what an absent file means.
 */
export function toOciStoreError(error: unknown, what: string, path: string, signal?: AbortSignal): unknown {
  if (signal?.aborted && error === signal.reason) return error;
  if (!isPlatformError(error) || error.code === "ENOENT") return error;
  // What we do not know is not permanent as far as we know: a caller may try again.
  const code = CODES.get(error.code) ?? "UNAVAILABLE";
  return new OciStoreError(code, `cannot ${what} (${error.code}): ${path}`, { path }, { cause: error });
}

/** The store's directory is gone, or was never there. That is not a store without a lock. */
export function forCaller(error: unknown, what: string, path: string, signal?: AbortSignal): unknown {
  if (!hasCode(error, "ENOENT")) return toOciStoreError(error, what, path, signal);
  return new OciStoreError("LAYOUT_INVALID", `cannot ${what} (no such directory): ${path}`, { path }, { cause: error });
}

/** Runs file calls whose failures are for the caller of the store to see, as {@link toOciStoreError} words them. */
export async function reported<T>(what: string, path: string, run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toOciStoreError(error, what, path, signal);
  }
}

/** `ERR_…` codes are Node's word for a wrong argument, and so a mistake of ours that must not look like weather. */
function isPlatformError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof Error &&
    !isOciStoreError(error) &&
    "code" in error &&
    typeof error.code === "string" &&
    /^E(?!RR_)[A-Z0-9]+$/.test(error.code)
  );
}

function of(code: ErrorCode, ...native: readonly string[]): [string, ErrorCode][] {
  return native.map((name) => [name, code]);
}
