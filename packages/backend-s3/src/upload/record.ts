import { type Bytes, OciStoreError, type Signal } from "@ocistore/core";
import type { Keys } from "../keys.ts";
import type { Multiparts, Part } from "../multiparts.ts";
import type { Objects } from "../objects.ts";

/** What is kept of an upload that can be gone on with, in an object of its own. */
export interface UploadRecord {
  readonly algorithm: string;
  /** Where its parts become an object; with the digest in it, where that was known from the start. */
  readonly key: string;
  /** S3's own name for it, once there is a part. */
  readonly multipart?: string | undefined;
  readonly partSize: number;
}

/** An upload as it lies in the bucket. */
export interface StoredUpload {
  readonly record: UploadRecord;
  readonly parts: readonly Part[];
  /** What it has beyond its parts. */
  readonly tail: Uint8Array;
}

export async function writeRecord(
  objects: Objects,
  key: string,
  record: UploadRecord,
  o: Signal & { readonly isNew?: boolean },
): Promise<boolean> {
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  return (await objects.put(key, bytes, o)) !== undefined;
}

/** @throws `CORRUPT` if it is none of ours. */
async function readRecord(objects: Objects, key: string, o: Signal): Promise<UploadRecord | undefined> {
  const found = await objects.get(key, o);
  if (!found) return undefined;
  try {
    const record = JSON.parse(new TextDecoder().decode(await gathered(found.body))) as UploadRecord;
    if (typeof record.algorithm === "string" && typeof record.key === "string" && record.partSize > 0) return record;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new OciStoreError("CORRUPT", `no record of an upload: ${key}`, { path: key });
}

/**
 * What is there of an upload. Parts are sent side by side, so after a failure one may be missing in the middle: what comes behind it
 * does not count. A tail is that of the parts that were there when it was written.
 */
export async function readUpload(
  { objects, multiparts, keys }: { readonly objects: Objects; readonly multiparts: Multiparts; readonly keys: Keys },
  id: string,
  o: Signal,
): Promise<StoredUpload | undefined> {
  const record = await readRecord(objects, keys.record(id), o);
  if (!record) return undefined;
  const { key, multipart, partSize } = record;
  const sent = multipart === undefined ? [] : ((await multiparts.parts(key, multipart, o)) ?? []);
  const end = sent.findIndex(({ number, size }, at) => number !== at + 1 || size !== partSize);
  const parts = end < 0 ? sent : sent.slice(0, end);
  const found = await objects.get(keys.tail(id), o);
  const isIts = found !== undefined && Number(found.metadata.start) === parts.length * partSize;
  return { record, parts, tail: isIts ? await gathered(found.body) : new Uint8Array() };
}

export async function writeTail(
  objects: Objects,
  key: string,
  { start, bytes }: { readonly start: number; readonly bytes: Uint8Array },
): Promise<void> {
  await objects.put(key, bytes, { metadata: { start: String(start) } });
}

async function gathered(bytes: Bytes): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}
