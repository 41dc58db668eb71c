import { S3Client } from "@aws-sdk/client-s3";
import { type Bytes, type Placement, systemEnvironment } from "@ocistore/core";
import { type StrictOptions, type StrictServer, strictServer } from "@ocistore-tooling/s3-strict";
import { onTestFinished } from "vitest";
import { type S3Blobs, s3Blobs } from "../../src/index.ts";

export const MIB = 1024 * 1024;
export const PART = 5 * MIB;

export interface Started {
  readonly server: StrictServer;
  readonly blobs: S3Blobs;
  /** Another one, as another process would have it. */
  open(): S3Blobs;
}

/** A server, and blobs on it whose large ones go in parts of 5 MiB. */
export async function started(o: StrictOptions = {}): Promise<Started> {
  const server = await strictServer(o);
  const client = new S3Client({
    endpoint: server.endpoint,
    credentials: server.credentials,
    region: "us-east-1",
    forcePathStyle: true,
    maxAttempts: 2,
  });
  onTestFinished(async () => {
    client.destroy();
    await server.close();
  });
  const open = () => s3Blobs({ client, bucket: "bucket", prefix: "prod", partSize: PART, env: systemEnvironment });
  return { server, blobs: open(), open };
}

/** Bytes that are the same each time, and differ from place to place. */
export function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0, state = 1; at < size; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export async function* pieces(bytes: Uint8Array, size = 700_001): Bytes {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function gathered(bytes: Bytes): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const keysOf = ({ server }: Started): string[] => [...server.buckets.get("bucket")!.keys()];
export const multipartsOf = ({ server }: Started): number => server.buckets.get("bucket")!.multiparts.size;
export const operations = ({ server }: Started): string[] => server.asked.map(({ operation }) => operation);

/** What has been stored whole under its digest. */
export async function isWhole(blobs: S3Blobs, placement: Placement, bytes: Uint8Array): Promise<boolean> {
  return (await gathered(blobs.read(placement))).equals(bytes);
}
