import type { StoredObject } from "./bucket.ts";
import { noSuchKey, preconditionFailed, S3Failure } from "./failure.ts";
import { header, type S3Request } from "./request.ts";

/**
 * Whether a write may replace what is there.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export function mayWrite(request: S3Request, present: StoredObject | undefined): void {
  const ifNone = header(request, "if-none-match");
  const ifMatch = header(request, "if-match");
  if (ifNone !== undefined && ifMatch !== undefined) throw new S3Failure(501, "NotImplemented", "two conditions");
  if (ifNone !== undefined) {
    if (ifNone !== "*") throw new S3Failure(501, "NotImplemented", "If-None-Match of a write can only be *");
    if (present) throw preconditionFailed();
  }
  if (ifMatch !== undefined) {
    if (!present) throw noSuchKey();
    if (!isSame(ifMatch, present)) throw preconditionFailed();
  }
}

/** @returns false if the reader has it already. */
export function mayRead(request: S3Request, present: StoredObject): boolean {
  const ifMatch = header(request, "if-match");
  if (ifMatch !== undefined && !isSame(ifMatch, present)) throw preconditionFailed();
  const ifNone = header(request, "if-none-match");
  return ifNone === undefined || !isSame(ifNone, present);
}

const isSame = (condition: string, { etag }: StoredObject) =>
  condition === "*" ||
  condition.split(",").some((each) => each.trim().replaceAll('"', "") === etag.replaceAll('"', ""));
