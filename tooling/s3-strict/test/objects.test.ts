import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { at, started } from "./support.ts";

test("what is put is got, whole and in part, with its headers", async () => {
  const { s3 } = await started();
  const Key = "a//b:c+d e/ü";
  const put = await s3.send(
    new PutObjectCommand({ ...at(Key), Body: "0123456789", ContentType: "text/x", Metadata: { kind: "x" } }),
  );
  expect(put.ETag).toBe('"781e5e245d69b566979b86e28d23f2c7"');
  const got = await s3.send(new GetObjectCommand(at(Key)));
  expect(await got.Body!.transformToString()).toBe("0123456789");
  expect(got).toMatchObject({ ContentType: "text/x", Metadata: { kind: "x" }, ContentLength: 10, ETag: put.ETag });
  for (const [Range, text] of [
    ["bytes=2-4", "234"],
    ["bytes=7-", "789"],
    ["bytes=-2", "89"],
    ["bytes=8-99", "89"],
  ] as const) {
    const part = await s3.send(new GetObjectCommand({ ...at(Key), Range }));
    expect([await part.Body!.transformToString(), part.$metadata.httpStatusCode]).toEqual([text, 206]);
  }
  await expect(s3.send(new GetObjectCommand({ ...at(Key), Range: "bytes=10-" }))).rejects.toMatchObject({
    name: "InvalidRange",
  });
  expect(await s3.send(new HeadObjectCommand(at(Key)))).toMatchObject({ ContentLength: 10 });
  await expect(s3.send(new HeadObjectCommand(at("none")))).rejects.toMatchObject({ name: "NotFound" });
  await expect(s3.send(new GetObjectCommand(at("none")))).rejects.toMatchObject({ name: "NoSuchKey" });
});

test("a stream comes in frames with a checksum behind it, and needs a length", async () => {
  const { s3, server } = await started();
  const Body = Readable.from([Buffer.from("abc"), Buffer.from("def")]);
  await s3.send(new PutObjectCommand({ ...at("a"), Body, ContentLength: 6 }));
  expect(server.buckets.get("bucket")!.objects.get("a")!.bytes.toString()).toBe("abcdef");
});

test("bytes that are not what the client says of them are refused, and a wrong signature too", async () => {
  const { s3, server } = await started();
  const wrong = { Body: "abc", ChecksumSHA256: "q".repeat(43).concat("=") };
  await expect(s3.send(new PutObjectCommand({ ...at("a"), ...wrong }))).rejects.toMatchObject({ name: "BadDigest" });
  const md5 = { Body: "abc", ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" };
  await expect(s3.send(new PutObjectCommand({ ...at("a"), ...md5 }))).rejects.toMatchObject({ name: "BadDigest" });
  const stranger = new S3Client({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { ...server.credentials, secretAccessKey: "another" },
    forcePathStyle: true,
  });
  await expect(stranger.send(new PutObjectCommand({ ...at("a"), Body: "" }))).rejects.toMatchObject({
    name: "SignatureDoesNotMatch",
  });
  expect(server.buckets.get("bucket")!.objects.size).toBe(0);
});

test("a write is done only if its condition holds", async () => {
  const { s3 } = await started();
  const put = (o: object) => s3.send(new PutObjectCommand({ ...at("a"), Body: "x", ...o }));
  await expect(put({ IfMatch: '"0"' })).rejects.toMatchObject({ name: "NoSuchKey" });
  const { ETag } = await put({ IfNoneMatch: "*" });
  await expect(put({ IfNoneMatch: "*" })).rejects.toMatchObject({ name: "PreconditionFailed" });
  await put({ IfMatch: ETag, Body: "y" });
  await expect(put({ IfMatch: ETag })).rejects.toMatchObject({ name: "PreconditionFailed" });
  const stale = s3.send(new GetObjectCommand({ ...at("a"), IfMatch: ETag }));
  await expect(stale).rejects.toMatchObject({ name: "PreconditionFailed" });
  const wins = await Promise.allSettled(
    Array.from({ length: 20 }, () => s3.send(new PutObjectCommand({ ...at("b"), Body: "x", IfNoneMatch: "*" }))),
  );
  expect(wins.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a server that ignores conditions can be had too", async () => {
  const { s3 } = await started({ unconditional: true });
  for (const Body of ["x", "y"]) await s3.send(new PutObjectCommand({ ...at("a"), Body, IfNoneMatch: "*" }));
  expect(await (await s3.send(new GetObjectCommand(at("a")))).Body!.transformToString()).toBe("y");
});

test("listing: pages, in the order of bytes, none left out and none twice", async () => {
  const { s3 } = await started();
  const keys = ["a/1", "a/10", "a/2", "b", "ä", "z/x/1", "z/x/2", "z/y"];
  for (const Key of [...keys].reverse()) await s3.send(new PutObjectCommand({ ...at(Key), Body: Key }));
  const all = async (o: object) => {
    const found: string[] = [];
    for (let token: string | undefined, more = true; more; ) {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: "bucket", MaxKeys: 1, ContinuationToken: token, ...o }),
      );
      for (const { Key } of page.Contents ?? []) found.push(Key!);
      for (const { Prefix } of page.CommonPrefixes ?? []) found.push(Prefix!);
      token = page.NextContinuationToken;
      more = page.IsTruncated ?? false;
    }
    return found;
  };
  expect(await all({})).toEqual(["a/1", "a/10", "a/2", "b", "z/x/1", "z/x/2", "z/y", "ä"]);
  expect(await all({ Prefix: "a/1" })).toEqual(["a/1", "a/10"]);
  expect(await all({ StartAfter: "b" })).toEqual(["z/x/1", "z/x/2", "z/y", "ä"]);
  expect(await all({ Delimiter: "/" })).toEqual(["a/", "b", "z/", "ä"]);
  expect(await all({ Delimiter: "/", Prefix: "z/" })).toEqual(["z/x/", "z/y"]);
});

test("deleting: one, many, and each with an answer of its own", async () => {
  const { s3, server } = await started({
    fault: ({ operation }) =>
      operation === "DeleteObjects" ? { refuse: (key) => (key === "2" ? "AccessDenied" : undefined) } : undefined,
  });
  for (const Key of ["1", "2", "3"]) await s3.send(new PutObjectCommand({ ...at(Key), Body: Key }));
  await s3.send(new DeleteObjectCommand(at("3")));
  await s3.send(new DeleteObjectCommand(at("3")));
  const many = (keys: readonly string[]) =>
    s3.send(new DeleteObjectsCommand({ Bucket: "bucket", Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  const { Deleted, Errors } = await many(["1", "2", "none"]);
  expect(Deleted?.map(({ Key }) => Key)).toEqual(["1", "none"]);
  expect(Errors).toMatchObject([{ Key: "2", Code: "AccessDenied" }]);
  expect([...server.buckets.get("bucket")!.objects.keys()]).toEqual(["2"]);
  const tooMany = Array.from({ length: 1001 }, (_, n) => String(n));
  await expect(many(tooMany)).rejects.toMatchObject({ name: "MalformedXML" });
});

test("copying: if the source is still the same", async () => {
  const { s3 } = await started();
  const { ETag } = await s3.send(new PutObjectCommand({ ...at("a b"), Body: "x" }));
  const copy = (CopySourceIfMatch: string | undefined) =>
    s3.send(new CopyObjectCommand({ ...at("c"), CopySource: "bucket/a%20b", CopySourceIfMatch }));
  await expect(copy('"0"')).rejects.toMatchObject({ name: "PreconditionFailed" });
  expect((await copy(ETag)).CopyObjectResult?.ETag).toBe(ETag);
  expect(await (await s3.send(new GetObjectCommand(at("c")))).Body!.transformToString()).toBe("x");
});
