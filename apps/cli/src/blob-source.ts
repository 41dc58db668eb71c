import { resolve } from "node:path";
import { fromFile } from "@ocistore/backend-fs";
import { type BlobBytesFrom, createHasher, type DescribedBlob, type Digest, isOciStoreError } from "@ocistore/core";
import type { Context } from "./context.ts";
import { notFound } from "./errors.ts";
import { size } from "./output/words.ts";
import { piped } from "./stdin.ts";

/** What `blob put` is given, with a digest where it can be known before the bytes are sent: by that they find their upload. */
export async function blobSource(context: Context, file: string, digest: Digest | undefined): Promise<DescribedBlob> {
  const { io, signal } = context;
  if (file === "-") return { stream: (start) => after(start, piped(context)), digest };
  const source = await fromFile(resolve(io.cwd, file), { signal }).catch((error: unknown) => {
    throw isOciStoreError(error, "NOT_FOUND") ? notFound(`no such file: ${file}`, "look at the spelling") : error;
  });
  return {
    stream: source.stream,
    size: source.size,
    digest: digest ?? (await digestOfFile(context, file, source.stream)),
  };
}

async function digestOfFile({ out }: Context, file: string, stream: BlobBytesFrom): Promise<Digest> {
  const hasher = createHasher();
  let read = 0;
  for await (const piece of stream(0) as AsyncIterable<Uint8Array>) {
    read += piece.length;
    out.progress(() => `reading ${file}  ${size(read)}`);
    hasher.update(piece);
  }
  return hasher.digest();
}

/** What can only be read from its beginning, from a byte on. */
async function* after(start: number, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of bytes) {
    const rest = piece.subarray(Math.min(piece.length, Math.max(0, start - at)));
    at += piece.length;
    if (rest.length > 0) yield rest;
  }
}
