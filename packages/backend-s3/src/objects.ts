import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { type Ms, OciStoreError, type Signal } from "@ocistore/core";
import { isAbsent, isRefused, toOciStoreError } from "./errors.ts";
import { type Requests, timeOf, told } from "./requests.ts";

export interface ObjectInfo {
  readonly size: number;
  /** By the server's clock. */
  readonly modified: Ms;
  readonly etag: string;
}

/** So many keys one request may delete. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const AT_A_TIME = 1000;

/** The objects of a bucket. Absence is an answer where somebody asks, and an error where it was not to be expected. */
export class Objects {
  readonly #r: Requests;
  #exists = false;

  constructor(requests: Requests) {
    this.#r = requests;
  }

  /** @returns The ETag; `undefined`, and nothing has changed, if it had to be new and is there. */
  async put(
    key: string,
    body: Uint8Array,
    o: Signal & { readonly isNew?: boolean; readonly metadata?: Readonly<Record<string, string>> } = {},
  ): Promise<string | undefined> {
    const command = new PutObjectCommand({
      ...this.#r.at(key),
      Body: body,
      ...(o.metadata && { Metadata: o.metadata }),
      ...(o.isNew && { IfNoneMatch: "*" }),
    });
    try {
      return told((await this.#r.send(command, o)).ETag, "of an object that was stored", key);
    } catch (error) {
      if (o.isNew && isRefused(error)) return undefined;
      throw toOciStoreError(error, "store the object", key, o.signal);
    }
  }

  async head(key: string, o: Signal = {}): Promise<ObjectInfo | undefined> {
    try {
      const found = await this.#r.send(new HeadObjectCommand(this.#r.at(key)), o);
      const etag = told(found.ETag, "of an object", key);
      return { size: found.ContentLength ?? 0, modified: timeOf(found.LastModified), etag };
    } catch (error) {
      if (isAbsent(error)) return void (await this.#mustExist(o));
      throw toOciStoreError(error, "look at the object", key, o.signal);
    }
  }

  /**
   * The bytes from `start` up to but not including `end`, and which object it is; `undefined` if there is none.
   *
   * @throws `CONFLICT` if it is another one than `etag`.
   */
  async get(
    key: string,
    o: Signal & { readonly start?: number; readonly end?: number; readonly etag?: string | undefined } = {},
  ): Promise<
    | { readonly body: AsyncIterable<Uint8Array>; readonly etag: string; readonly metadata: Record<string, string> }
    | undefined
  > {
    const { start = 0, end, etag } = o;
    const isWhole = start === 0 && end === undefined;
    const command = new GetObjectCommand({
      ...this.#r.at(key),
      ...(!isWhole && { Range: `bytes=${start}-${end === undefined ? "" : end - 1}` }),
      ...(etag !== undefined && { IfMatch: etag }),
    });
    try {
      const { Body, ETag, Metadata = {} } = await this.#r.send(command, o);
      return { body: Body as AsyncIterable<Uint8Array>, etag: told(ETag, "of an object", key), metadata: Metadata };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (isRefused(error))
        throw new OciStoreError("CONFLICT", `another object lies there by now: ${key}`, { path: key });
      throw toOciStoreError(error, "read the object", key, o.signal);
    }
  }

  /** Every object whose key begins like this. */
  async *list(prefix: string, o: Signal = {}): AsyncGenerator<ObjectInfo & { readonly key: string }> {
    for (let token: string | undefined, isOver = false; !isOver; ) {
      const command = new ListObjectsV2Command({ Bucket: this.#r.bucket, Prefix: prefix, ContinuationToken: token });
      const page = await this.#r.ask(command, "list the bucket", prefix, o);
      told(page.IsTruncated, "whether the listing is whole", prefix);
      for (const { Key, Size, LastModified, ETag } of page.Contents ?? []) {
        o.signal?.throwIfAborted();
        if (Key === undefined) continue;
        yield { key: Key, size: Size ?? 0, modified: timeOf(LastModified), etag: ETag ?? "" };
      }
      isOver = !page.IsTruncated;
      const next = page.NextContinuationToken;
      if (!isOver && (next === undefined || next === token)) {
        throw new OciStoreError("UNAVAILABLE", `the listing of the bucket does not go on: ${prefix}`, { path: prefix });
      }
      token = next;
    }
  }

  /** Erases objects, and says of each that is still there why. What was gone before is gone. */
  async delete(keys: readonly string[], o: Signal = {}): Promise<ReadonlyMap<string, unknown>> {
    const failures = new Map<string, unknown>();
    for (let at = 0; at < keys.length; at += AT_A_TIME) {
      const lot = keys.slice(at, at + AT_A_TIME);
      const Delete = { Objects: lot.map((Key) => ({ Key })) };
      const command = new DeleteObjectsCommand({ Bucket: this.#r.bucket, Delete });
      const path = lot[0]!;
      const { Deleted = [], Errors = [] } = await this.#r.ask(command, "delete objects", path, o);
      for (const { Key = "", Code = "unknown", Message = "" } of Errors) {
        if (Code === "NoSuchKey") continue;
        const code = Code === "AccessDenied" ? "PERMISSION" : "UNAVAILABLE";
        failures.set(Key, new OciStoreError(code, `cannot delete (${Code} ${Message}): ${Key}`, { path: Key }));
      }
      // Of what is neither deleted nor an error nobody knows.
      const answered = new Set([...Deleted, ...Errors].map(({ Key }) => Key));
      for (const key of lot) {
        if (answered.has(key)) continue;
        const message = `the server does not say whether it is deleted: ${key}`;
        failures.set(key, new OciStoreError("UNAVAILABLE", message, { path: key }));
      }
    }
    return failures;
  }

  /** A bucket that is not there has no objects either, and is no empty store for that. */
  async #mustExist(o: Signal): Promise<void> {
    if (this.#exists) return;
    const { bucket } = this.#r;
    await this.#r.ask(new HeadBucketCommand({ Bucket: bucket }), "find the bucket", bucket, o);
    this.#exists = true;
  }
}
