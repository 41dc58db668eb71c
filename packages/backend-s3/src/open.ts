import type { S3Client } from "@aws-sdk/client-s3";
import { type Environment, systemEnvironment } from "@ocistore/core";
import { S3Blobs } from "./blobs.ts";
import { Keys } from "./keys.ts";
import { Requests } from "./requests.ts";

export interface S3BlobsOptions {
  readonly client: S3Client;
  readonly bucket: string;
  /** Of every key; none unless given. */
  readonly prefix?: string | undefined;
  /** Bytes of one part of a large blob, at least 5 MiB; 16 MiB unless given. Four at a time are in memory. A blob has at most 10 000 parts. */
  readonly partSize?: number | undefined;
  readonly env?: Environment | undefined;
}

const MIB = 1024 * 1024;
const SMALLEST_PART = 5 * MIB;
const LARGEST_PART = 5 * 1024 * MIB;

/**
 * Blobs on an S3-compatible object store. Nothing is asked of it before it is used.
 *
 * @throws `TypeError` for a size of parts that S3 does not take.
 *
 * @example
 * const blobs = s3Blobs({ client: new S3Client({}), bucket: "artifacts", prefix: "prod" });
 * const catalog = await sqliteCatalog({ connect: () => new Database("catalog.db"), blobs });
 * const store = await openStore({ blobs, catalog });
 */
export function s3Blobs(o: S3BlobsOptions): S3Blobs {
  const { client, bucket, prefix = "", partSize = 16 * MIB, env = systemEnvironment } = o;
  if (!(Number.isInteger(partSize) && partSize >= SMALLEST_PART && partSize <= LARGEST_PART)) {
    throw new TypeError("`partSize` is a number of bytes, from 5 MiB to 5 GiB");
  }
  return new S3Blobs(new Requests(client, bucket), new Keys(prefix), { env, partSize });
}
