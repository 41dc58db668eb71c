import type { Bucket, StoredObject } from "../bucket.ts";
import { etagOf } from "../bucket.ts";
import { mayRead, mayWrite } from "../conditions.ts";
import { invalid, noSuchKey, preconditionFailed, S3Failure } from "../failure.ts";
import { header, type S3Answer, type S3Request } from "../request.ts";
import { xml } from "../xml.ts";

export interface Ground {
  readonly bucket: Bucket;
  readonly now: () => number;
  /** Ignores the conditions of writes, as some servers do. */
  readonly unconditional: boolean;
}

export function putObject({ bucket, now, unconditional }: Ground, request: S3Request): S3Answer {
  mustHaveLength(request);
  if (!unconditional) mayWrite(request, bucket.objects.get(request.key));
  const etag = etagOf(request.body);
  bucket.set(request.key, { bytes: request.body, etag, modified: now(), headers: keptHeaders(request) });
  return { status: 200, headers: { etag, ...checksumHeaders(request) } };
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export function getObject({ bucket }: Ground, request: S3Request): S3Answer {
  const object = bucket.objects.get(request.key);
  if (!object) throw noSuchKey();
  const headers = { ...object.headers, ...described(object) };
  if (!mayRead(request, object)) return { status: 304, headers };
  const range = header(request, "range");
  const total = object.bytes.length;
  if (range === undefined) return { status: 200, headers, body: object.bytes };
  const [start, end] = rangeOf(range, total);
  return {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${start}-${end - 1}/${total}` },
    body: object.bytes.subarray(start, end),
  };
}

export function headObject(ground: Ground, request: S3Request): S3Answer {
  const { body, ...answer } = getObject(ground, request);
  return { ...answer, headers: { ...answer.headers, "content-length": String(body?.length ?? 0) } };
}

export function deleteObject({ bucket }: Ground, request: S3Request): S3Answer {
  if (header(request, "if-match") !== undefined)
    throw new S3Failure(501, "NotImplemented", "a condition of a deletion");
  bucket.delete(request.key);
  return { status: 204 };
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export function copyObject(ground: Ground, request: S3Request): S3Answer {
  const { bucket, now } = ground;
  const { bytes, headers } = copySource(ground, request);
  if (!ground.unconditional) mayWrite(request, bucket.objects.get(request.key));
  const etag = etagOf(bytes);
  const modified = now();
  const replaces = header(request, "x-amz-metadata-directive") === "REPLACE";
  bucket.set(request.key, { bytes, etag, modified, headers: replaces ? keptHeaders(request) : headers });
  return { status: 200, body: xml("CopyObjectResult", { ETag: etag, LastModified: new Date(modified).toISOString() }) };
}

/** What is copied, whole or in part, if it is still what the client thinks it is. */
export function copySource({ bucket }: Ground, request: S3Request): StoredObject {
  const [, , ...key] = `/${decodeURIComponent(header(request, "x-amz-copy-source") ?? "").replace(/^\//, "")}`.split(
    "/",
  );
  const object = bucket.objects.get(key.join("/"));
  if (!object) throw noSuchKey();
  const ifMatch = header(request, "x-amz-copy-source-if-match");
  if (ifMatch !== undefined && ifMatch.replaceAll('"', "") !== object.etag.replaceAll('"', ""))
    throw preconditionFailed();
  const range = header(request, "x-amz-copy-source-range");
  if (range === undefined) return object;
  const [start, end] = rangeOf(range, object.bytes.length);
  return { ...object, bytes: object.bytes.subarray(start, end) };
}

/** Half open, whereas the header names the last byte. */
function rangeOf(range: string, total: number): [number, number] {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const start = from === "" ? Math.max(total - Number(to), 0) : Number(from);
  const end = from === "" || to === "" ? total : Math.min(Number(to) + 1, total);
  if ((from === "" && to === "") || start >= end) throw new S3Failure(416, "InvalidRange");
  return [start, end];
}

/** A length has to be told ahead: without one a body that was cut off would be a whole one. */
export function mustHaveLength(request: S3Request): void {
  const told = header(request, "x-amz-decoded-content-length") ?? header(request, "content-length");
  if (told === undefined) throw new S3Failure(411, "MissingContentLength");
  if (Number(told) !== request.body.length) throw new S3Failure(400, "IncompleteBody");
}

export function keptHeaders({ headers }: S3Request): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => name === "content-type" || name.startsWith("x-amz-meta-"));
  const size = kept.reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  if (size > 2048) throw invalid("more than 2 KB of metadata");
  return Object.fromEntries(kept.map(([name, value]) => [name, String(value)]));
}

export function checksumHeaders({ checksums }: S3Request): Record<string, string> {
  return Object.fromEntries([...checksums].map(([name, value]) => [`x-amz-checksum-${name}`, value]));
}

const described = ({ etag, modified }: StoredObject) => ({
  etag,
  "last-modified": new Date(modified).toUTCString(),
  "accept-ranges": "bytes",
});
