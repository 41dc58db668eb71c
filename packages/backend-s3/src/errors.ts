import { type ErrorCode, isOciStoreError, OciStoreError } from "@ocistore/core";

/** By the code in the answer. What is not here is as its status says. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  QuotaExceeded: "NO_SPACE",
  XMinioStorageFull: "NO_SPACE",
  EntityTooLarge: "LIMIT_EXCEEDED",
  InvalidRange: "CORRUPT",
  BadDigest: "DIGEST_MISMATCH",
  XAmzContentSHA256Mismatch: "DIGEST_MISMATCH",
  NotImplemented: "UNSUPPORTED",
  ConditionalRequestConflict: "CONFLICT",
};

/** Whether `error` is an answer of S3, of one of these codes if any are given. */
function isAnswer(error: unknown, ...codes: readonly string[]): error is Error {
  if (!(error instanceof Error) || statusOf(error) === undefined) return false;
  return codes.length === 0 || codes.includes(error.name);
}

/**
 * There is no such object, or no such upload. A bucket that is not there is another matter, which the answer to a HEAD does not tell
 * apart.
 */
export const isAbsent = (error: unknown) => isAnswer(error, "NoSuchKey", "NotFound", "NoSuchUpload");
export const isRefused = (error: unknown) => isAnswer(error, "PreconditionFailed");

/**
 * What the caller of the store gets to see of a failed request. `what` completes "cannot …". The reason of a signal, and what is
 * ours or a mistake of ours, stay as they are.
 */
export function toOciStoreError(error: unknown, what: string, path: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (!(error instanceof Error) || isOciStoreError(error) || error instanceof TypeError) return error;
  const status = statusOf(error);
  const known = CODES[error.name] ?? byStatus(status);
  const said = status === undefined ? error.message : `${status} ${error.name}: ${error.message}`;
  return new OciStoreError(known, `cannot ${what} (${said}): ${path}`, { path }, { cause: error });
}

function byStatus(status: number | undefined): ErrorCode {
  if (status === 401 || status === 403) return "PERMISSION";
  // A redirect is one to another region: the client is told of the wrong one.
  if (status === 301 || status === 307 || status === 404) return "LAYOUT_INVALID";
  return "UNAVAILABLE";
}

function statusOf(error: Error): number | undefined {
  const { $metadata: metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } };
  return metadata?.httpStatusCode;
}
