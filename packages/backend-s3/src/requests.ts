import type { S3Client } from "@aws-sdk/client-s3";
import { type Ms, OciStoreError, type Signal } from "@ocistore/core";
import { toOciStoreError } from "./errors.ts";

/** A command, which knows what comes back for it. */
interface Command<Output> {
  resolveMiddleware(...args: never): (input: never) => Promise<{ readonly output: Output }>;
}

/** One bucket, and the client that asks it. */
export class Requests {
  readonly bucket: string;
  readonly #client: S3Client;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.bucket = bucket;
  }

  at(Key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key };
  }

  /** What fails comes as the client has it, for who has to look at it. */
  send<Output>(command: Command<Output>, { signal }: Signal): Promise<Output> {
    return this.#client.send(command as never, signal ? { abortSignal: signal } : {}) as Promise<Output>;
  }

  /** What fails is an error of ours; `what` completes "cannot …". */
  async ask<Output>(command: Command<Output>, what: string, path: string, o: Signal): Promise<Output> {
    o.signal?.throwIfAborted();
    try {
      return await this.send(command, o);
    } catch (error) {
      throw toOciStoreError(error, what, path, o.signal);
    }
  }
}

/** An answer that lacks what every answer has is none of S3's, whatever its status. */
export function told<T>(value: T | undefined, what: string, path: string): T {
  if (value !== undefined) return value;
  throw new OciStoreError("UNAVAILABLE", `the server says nothing ${what}: ${path}`, { path });
}

export const timeOf = (date: { getTime(): Ms } | undefined): Ms => date?.getTime() ?? 0;
