/**
 * Every failure that the library reports on purpose carries one of these codes. Codes are API: one is never renamed or
 * re-used, and a minor release may add some. Messages are for people and may change at any time.
 */
export type ErrorCode =
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "DIGEST_INVALID"
  | "DIGEST_MISMATCH"
  | "SIZE_MISMATCH"
  | "MANIFEST_INVALID"
  | "MANIFEST_TOO_LARGE"
  | "REFERENCE_INVALID"
  | "AMBIGUOUS"
  | "RANGE_INVALID"
  | "UPLOAD_UNKNOWN"
  | "LIMIT_EXCEEDED"
  | "MISSING_CONTENT"
  | "IN_USE"
  | "CONFLICT"
  | "LOCKED"
  | "READ_ONLY"
  | "LAYOUT_INVALID"
  | "CORRUPT"
  | "NO_SPACE"
  | "PERMISSION"
  | "UNAVAILABLE"
  | "TIMEOUT"
  | "UNSUPPORTED"
  | "CLOSED";

/** What an error is about, as data. Which fields are set depends on the code. */
export interface ErrorData {
  /** The content in question. */
  readonly digest?: string;
  /** Several, for `MISSING_CONTENT` and `AMBIGUOUS`. */
  readonly digests?: readonly string[];
  /** A file, a bucket key or a database. */
  readonly path?: string;
  /** A tag, a pin or a reference as it was given. */
  readonly reference?: string;
  /** Who stands in the way, for `IN_USE` and `LOCKED`: digests, tags, or a description of a process. */
  readonly holders?: readonly string[];
  /** A size, an offset or a limit in bytes, where one was exceeded or differs. */
  readonly expected?: number;
  readonly actual?: number;
  /** Of a copy: which of the two failed, and at what. */
  readonly side?: "source" | "destination";
  readonly op?: string;
}

/**
 * The one error class of ocistore. Test `code`, never the message, and prefer {@link isOciStoreError} to `instanceof`,
 * which fails when two copies of the package meet.
 *
 * @example
 * try {
 *   await repository.resolve("app:v1");
 * } catch (error) {
 *   if (isOciStoreError(error, "NOT_FOUND")) return undefined;
 *   throw error;
 * }
 */
export class OciStoreError extends Error {
  override readonly name = "OciStoreError";
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, data: ErrorData = {}, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

/** Whether `error` is one of ours, and of one of the codes if any are given. */
export function isOciStoreError(error: unknown, ...codes: readonly ErrorCode[]): error is OciStoreError {
  if (!(error instanceof Error) || error.name !== "OciStoreError") return false;
  const { code } = error as OciStoreError;
  return codes.length === 0 || codes.includes(code);
}

/**
 * Whether an error that a read of content has met says that the content is wrong. Of any other one cannot know whether the
 * next read meets it again.
 */
export function isDamage(error: unknown): boolean {
  return isOciStoreError(error, ...DAMAGE);
}

const DAMAGE = [
  "CORRUPT",
  "MANIFEST_INVALID",
  "MANIFEST_TOO_LARGE",
  "UNSUPPORTED",
  "DIGEST_INVALID",
  "LAYOUT_INVALID",
] as const satisfies readonly ErrorCode[];
