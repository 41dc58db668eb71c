import { CopyObjectCommand, UploadPartCopyCommand } from "@aws-sdk/client-s3";
import type { Signal } from "@ocistore/core";
import type { Multiparts, Part } from "./multiparts.ts";
import type { Objects } from "./objects.ts";
import { type Requests, told } from "./requests.ts";

/** No object that is larger is copied at once. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
const LARGEST_COPY = 5 * 1024 ** 3;
const COPIED_PART = 1024 ** 3;

interface Ground {
  readonly requests: Requests;
  readonly objects: Objects;
  readonly multiparts: Multiparts;
}

/** Copies within the bucket, without the bytes coming here. @returns false if there is nothing to copy. */
export async function copyObject(ground: Ground, from: string, to: string, o: Signal = {}): Promise<boolean> {
  const { requests, objects } = ground;
  const source = await objects.head(from, o);
  if (!source) return false;
  const { size, etag } = source;
  const path = from.split("/").map(encodeURIComponent).join("/");
  const whole = { ...requests.at(to), CopySource: `${requests.bucket}/${path}`, CopySourceIfMatch: etag };
  if (size > LARGEST_COPY) await copyInParts(ground, { ...whole, size }, to, o);
  else await requests.ask(new CopyObjectCommand(whole), "copy the object", to, o);
  return true;
}

async function copyInParts(
  { requests, multiparts }: Ground,
  { size, ...whole }: ReturnType<Requests["at"]> & { CopySource: string; CopySourceIfMatch: string; size: number },
  to: string,
  o: Signal,
): Promise<void> {
  const upload = await multiparts.begin(to, o);
  const parts: Part[] = [];
  for (let at = 0, number = 1; at < size; at += COPIED_PART, number++) {
    const end = Math.min(at + COPIED_PART, size);
    const range = { CopySourceRange: `bytes=${at}-${end - 1}`, UploadId: upload, PartNumber: number };
    const command = new UploadPartCopyCommand({ ...whole, ...range });
    const { CopyPartResult } = await requests.ask(command, "copy a part of the object", to, o);
    parts.push({ number, size: end - at, etag: told(CopyPartResult?.ETag, "of a copied part", to), modified: 0 });
  }
  await multiparts.complete(to, upload, parts, o);
}
