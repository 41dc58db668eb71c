import { S3Client } from "@aws-sdk/client-s3";
import { onTestFinished } from "vitest";
import { type StrictOptions, type StrictServer, strictServer } from "../src/index.ts";

/** A server, and the SDK's client of it as a user would make it; each request is made once. */
export async function started(
  o: StrictOptions = {},
): Promise<{ readonly server: StrictServer; readonly s3: S3Client }> {
  const server = await strictServer(o);
  const s3 = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: server.credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  onTestFinished(async () => {
    s3.destroy();
    await server.close();
  });
  return { server, s3 };
}

export const MIB = 1024 * 1024;
export const at = (Key: string) => ({ Bucket: "bucket", Key });
