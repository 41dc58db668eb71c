import { randomUUID } from "node:crypto";
import { etagOf, type Multipart, md5, type Part } from "../bucket.ts";
import { mayWrite } from "../conditions.ts";
import { invalid, noSuchUpload, S3Failure } from "../failure.ts";
import type { S3Answer, S3Request } from "../request.ts";
import { parseXml, xml } from "../xml.ts";
import { checksumHeaders, copySource, type Ground, keptHeaders, mustHaveLength } from "./objects.ts";

/** Of each part but the last. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;

export function createMultipart({ bucket, now }: Ground, request: S3Request): S3Answer {
  const id = randomUUID();
  bucket.multiparts.set(id, { key: request.key, initiated: now(), headers: keptHeaders(request), parts: new Map() });
  return {
    status: 200,
    body: xml("InitiateMultipartUploadResult", { Bucket: request.bucket, Key: request.key, UploadId: id }),
  };
}

export function uploadPart(ground: Ground, request: S3Request): S3Answer {
  mustHaveLength(request);
  const { etag } = setPart(ground, request, request.body);
  return { status: 200, headers: { etag, ...checksumHeaders(request) } };
}

export function uploadPartCopy(ground: Ground, request: S3Request): S3Answer {
  const { etag, modified } = setPart(ground, request, copySource(ground, request).bytes);
  return { status: 200, body: xml("CopyPartResult", { ETag: etag, LastModified: new Date(modified).toISOString() }) };
}

function setPart({ bucket, now }: Ground, request: S3Request, bytes: Buffer): Part {
  const { parts } = multipartOf(bucket.multiparts, request);
  const number = Number(request.query.get("partNumber"));
  if (!(Number.isInteger(number) && number >= 1 && number <= MOST_PARTS)) throw invalid("the number of the part");
  const part = { bytes, etag: etagOf(bytes), modified: now() };
  parts.set(number, part);
  return part;
}

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export function completeMultipart({ bucket, now, unconditional }: Ground, request: S3Request): S3Answer {
  const multipart = multipartOf(bucket.multiparts, request);
  const { Part: named = [] } = parseXml("CompleteMultipartUpload", request.body) as {
    Part?: { PartNumber: string; ETag: string }[];
  };
  if (named.length === 0) throw new S3Failure(400, "MalformedXML");
  const isOrdered = named.every((part, at) => at === 0 || Number(part.PartNumber) > Number(named[at - 1]!.PartNumber));
  if (!isOrdered) throw new S3Failure(400, "InvalidPartOrder");
  const parts = named.map(({ PartNumber, ETag }, at) => {
    const part = multipart.parts.get(Number(PartNumber));
    if (!part || ETag.replaceAll('"', "") !== part.etag.replaceAll('"', "")) throw new S3Failure(400, "InvalidPart");
    if (at < named.length - 1 && part.bytes.length < SMALLEST_PART) throw new S3Failure(400, "EntityTooSmall");
    return part;
  });
  if (!unconditional) mayWrite(request, bucket.objects.get(request.key));
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const sums = Buffer.concat(parts.map((part) => md5(part.bytes)));
  const etag = `"${md5(sums).toString("hex")}-${parts.length}"`;
  bucket.set(request.key, { bytes, etag, modified: now(), headers: multipart.headers });
  bucket.multiparts.delete(request.query.get("uploadId")!);
  return {
    status: 200,
    body: xml("CompleteMultipartUploadResult", { Bucket: request.bucket, Key: request.key, ETag: etag }),
  };
}

export function abortMultipart({ bucket }: Ground, request: S3Request): S3Answer {
  multipartOf(bucket.multiparts, request);
  bucket.multiparts.delete(request.query.get("uploadId")!);
  return { status: 204 };
}

export function listParts({ bucket }: Ground, request: S3Request): S3Answer {
  const { parts } = multipartOf(bucket.multiparts, request);
  const after = Number(request.query.get("part-number-marker") ?? 0);
  const most = Math.min(Number(request.query.get("max-parts") ?? 1000), 1000);
  const rest = [...parts].filter(([number]) => number > after).sort(([a], [b]) => a - b);
  const page = rest.slice(0, most);
  return {
    status: 200,
    body: xml("ListPartsResult", {
      Bucket: request.bucket,
      Key: request.key,
      UploadId: request.query.get("uploadId"),
      IsTruncated: rest.length > page.length,
      NextPartNumberMarker: page.at(-1)?.[0] ?? after,
      Part: page.map(([PartNumber, { bytes, etag, modified }]) => ({
        PartNumber,
        ETag: etag,
        Size: bytes.length,
        LastModified: new Date(modified).toISOString(),
      })),
    }),
  };
}

export function listMultiparts({ bucket }: Ground, request: S3Request): S3Answer {
  const prefix = request.query.get("prefix") ?? "";
  const after = [request.query.get("key-marker") ?? "", request.query.get("upload-id-marker") ?? ""].join("\0");
  const most = Math.min(Number(request.query.get("max-uploads") ?? 1000), 1000);
  const place = ([id, { key }]: readonly [string, Multipart]) => `${key}\0${id}`;
  const rest = [...bucket.multiparts]
    .filter((each) => each[1].key.startsWith(prefix) && (after === "\0" || place(each) > after))
    .sort((a, b) => (place(a) < place(b) ? -1 : 1));
  const page = rest.slice(0, most);
  const isTruncated = rest.length > page.length;
  return {
    status: 200,
    body: xml("ListMultipartUploadsResult", {
      Bucket: request.bucket,
      IsTruncated: isTruncated,
      ...(isTruncated && { NextKeyMarker: page.at(-1)![1].key, NextUploadIdMarker: page.at(-1)![0] }),
      Upload: page.map(([UploadId, { key, initiated }]) => ({
        Key: key,
        UploadId,
        Initiated: new Date(initiated).toISOString(),
      })),
    }),
  };
}

function multipartOf(multiparts: ReadonlyMap<string, Multipart>, { key, query }: S3Request): Multipart {
  const multipart = multiparts.get(query.get("uploadId") ?? "");
  if (multipart?.key !== key) throw noSuchUpload();
  return multipart;
}
