export type { S3Blobs } from "./blobs.ts";
export { type S3BlobsOptions, s3Blobs } from "./open.ts";
