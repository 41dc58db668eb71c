import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Ms, Signal } from "@ocistore/core";
import { isAbsent, toOciStoreError } from "./errors.ts";
import { type Requests, timeOf, told } from "./requests.ts";

export interface Part {
  readonly number: number;
  readonly size: number;
  readonly etag: string;
  readonly modified: Ms;
}

/** Objects that come in parts. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html */
export class Multiparts {
  readonly #r: Requests;

  constructor(requests: Requests) {
    this.#r = requests;
  }

  /** Begins a multipart upload. @returns Its id. */
  async begin(key: string, o: Signal = {}): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.#r.at(key));
    const { UploadId } = await this.#r.ask(command, "begin the upload", key, o);
    return told(UploadId, "of an upload that was begun", key);
  }

  async putPart(
    key: string,
    upload: string,
    part: { readonly number: number; readonly body: Uint8Array },
    o: Signal,
  ): Promise<string> {
    const { number, body } = part;
    const command = new UploadPartCommand({ ...this.#r.at(key), UploadId: upload, PartNumber: number, Body: body });
    const { ETag } = await this.#r.ask(command, "upload a part", key, o);
    return told(ETag, "of a part that was stored", key);
  }

  /** The parts that are there; `undefined` if there is no such upload. */
  async parts(key: string, upload: string, o: Signal = {}): Promise<Part[] | undefined> {
    const parts: Part[] = [];
    try {
      for (let marker: string | undefined, isOver = false; !isOver; ) {
        const command = new ListPartsCommand({ ...this.#r.at(key), UploadId: upload, PartNumberMarker: marker });
        const page = await this.#r.send(command, o);
        told(page.IsTruncated, "whether these are all parts", key);
        for (const { PartNumber = 0, Size = 0, ETag = "", LastModified } of page.Parts ?? []) {
          parts.push({ number: PartNumber, size: Size, etag: ETag, modified: timeOf(LastModified) });
        }
        marker = page.NextPartNumberMarker;
        isOver = !page.IsTruncated || marker === undefined;
      }
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw toOciStoreError(error, "list the parts of the upload", key, o.signal);
    }
    return parts.sort((a, b) => a.number - b.number);
  }

  async complete(key: string, upload: string, parts: readonly Part[], o: Signal = {}): Promise<void> {
    const Parts = parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag }));
    const command = new CompleteMultipartUploadCommand({
      ...this.#r.at(key),
      UploadId: upload,
      MultipartUpload: { Parts },
    });
    await this.#r.ask(command, "complete the upload", key, o);
  }

  /** Harmless if there is no such upload any more. */
  async abandon(key: string, upload: string, o: Signal = {}): Promise<void> {
    try {
      await this.#r.send(new AbortMultipartUploadCommand({ ...this.#r.at(key), UploadId: upload }), o);
    } catch (error) {
      if (!isAbsent(error)) throw toOciStoreError(error, "abort the upload", key, o.signal);
    }
  }

  /** The multipart uploads that are neither complete nor aborted. */
  async *begun(
    prefix: string,
    o: Signal = {},
  ): AsyncGenerator<{ readonly key: string; readonly upload: string; readonly initiated: Ms }> {
    for (let after: { KeyMarker?: string; UploadIdMarker?: string } = {}, isOver = false; !isOver; ) {
      const command = new ListMultipartUploadsCommand({ Bucket: this.#r.bucket, Prefix: prefix, ...after });
      const page = await this.#r.ask(command, "list the uploads", prefix, o);
      told(page.IsTruncated, "whether these are all uploads", prefix);
      for (const { Key = "", UploadId = "", Initiated } of page.Uploads ?? []) {
        yield { key: Key, upload: UploadId, initiated: timeOf(Initiated) };
      }
      const { NextKeyMarker, NextUploadIdMarker } = page;
      isOver = !page.IsTruncated || NextKeyMarker === undefined;
      if (NextKeyMarker !== undefined) {
        after = {
          KeyMarker: NextKeyMarker,
          ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
        };
      }
    }
  }
}
