import { invalid, S3Failure } from "../failure.ts";
import { header, type S3Answer, type S3Request } from "../request.ts";
import { parseXml, xml } from "../xml.ts";
import type { Ground } from "./objects.ts";

const PAGE = 1000;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjects({ bucket }: Ground, { bucket: name, query }: S3Request): S3Answer {
  if (query.get("list-type") !== "2") throw new S3Failure(501, "NotImplemented", "the first version of listing");
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const token = query.get("continuation-token");
  const after = token === undefined ? (query.get("start-after") ?? "") : positionOf(token);
  const most = Math.min(Number(query.get("max-keys") ?? PAGE), PAGE);

  const contents: object[] = [];
  const prefixes: string[] = [];
  let last = after;
  let isTruncated = false;
  for (const key of bucket.keys()) {
    if (!key.startsWith(prefix) || (after !== "" && compare(key, after) <= 0)) continue;
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    // A common prefix that was shown on an earlier page is over.
    if (common !== undefined && (prefixes.at(-1) === common || after.startsWith(common))) {
      last = key;
      continue;
    }
    if (contents.length + prefixes.length === most) {
      isTruncated = true;
      break;
    }
    last = key;
    if (common !== undefined) {
      prefixes.push(common);
      continue;
    }
    const { bytes, etag, modified } = bucket.objects.get(key)!;
    contents.push({ Key: key, ETag: etag, Size: bytes.length, LastModified: new Date(modified).toISOString() });
  }
  return {
    status: 200,
    body: xml("ListBucketResult", {
      Name: name,
      Prefix: prefix,
      KeyCount: contents.length + prefixes.length,
      MaxKeys: most,
      IsTruncated: isTruncated,
      ...(isTruncated && { NextContinuationToken: Buffer.from(last).toString("base64url") }),
      Contents: contents,
      CommonPrefixes: prefixes.map((each) => ({ Prefix: each })),
    }),
  };
}

function positionOf(token: string): string {
  const position = Buffer.from(token, "base64url").toString();
  if (position === "") throw invalid("The continuation token provided is incorrect");
  return position;
}

const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
export function deleteObjects(
  { bucket }: Ground,
  request: S3Request,
  refusal: (key: string) => string | undefined,
): S3Answer {
  if (request.checksums.size === 0 && header(request, "content-md5") === undefined) {
    throw new S3Failure(400, "InvalidRequest", "Missing required header for this request: Content-MD5");
  }
  const { Object: named = [], Quiet } = parseXml("Delete", request.body) as {
    Object?: { Key: string }[];
    Quiet?: string;
  };
  if (named.length === 0 || named.length > PAGE) throw new S3Failure(400, "MalformedXML");
  const deleted: object[] = [];
  const errors: object[] = [];
  for (const { Key } of named) {
    const code = refusal(Key);
    if (code !== undefined) {
      errors.push({ Key, Code: code, Message: code });
      continue;
    }
    bucket.delete(Key);
    deleted.push({ Key });
  }
  return {
    status: 200,
    body: xml("DeleteResult", { ...(Quiet !== "true" && { Deleted: deleted }), Error: errors }),
  };
}
