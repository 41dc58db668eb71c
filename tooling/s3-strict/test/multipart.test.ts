import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { at, MIB, started } from "./support.ts";

const begun = async (s3: S3Client, Key: string) => (await s3.send(new CreateMultipartUploadCommand(at(Key)))).UploadId!;

/** Sends parts of these sizes. */
async function sent(s3: S3Client, Key: string, UploadId: string, sizes: readonly number[]) {
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [place, size] of sizes.entries()) {
    const PartNumber = place + 1;
    const Body = Buffer.alloc(size, PartNumber);
    const { ETag } = await s3.send(new UploadPartCommand({ ...at(Key), UploadId, PartNumber, Body }));
    parts.push({ PartNumber, ETag });
  }
  return parts;
}

const complete = (s3: S3Client, Key: string, UploadId: string, Parts: object[], o: object = {}) =>
  s3.send(new CompleteMultipartUploadCommand({ ...at(Key), UploadId, MultipartUpload: { Parts }, ...o }));

test("parts become one object, and then there is no upload any more", async () => {
  const { s3 } = await started();
  const id = await begun(s3, "big");
  const parts = await sent(s3, "big", id, [5 * MIB, 5 * MIB, 3]);
  const listed = await s3.send(new ListPartsCommand({ ...at("big"), UploadId: id, MaxParts: 2 }));
  expect(listed.Parts?.map(({ Size, PartNumber }) => [PartNumber, Size])).toEqual([
    [1, 5 * MIB],
    [2, 5 * MIB],
  ]);
  expect([listed.IsTruncated, listed.NextPartNumberMarker]).toEqual([true, "2"]);
  await expect(s3.send(new GetObjectCommand(at("big")))).rejects.toMatchObject({ name: "NoSuchKey" });
  expect((await complete(s3, "big", id, parts)).ETag).toMatch(/-3"$/);
  const { Body } = await s3.send(new GetObjectCommand(at("big")));
  const bytes = Buffer.from(await Body!.transformToByteArray());
  expect(bytes.equals(Buffer.concat([5 * MIB, 5 * MIB, 3].map((size, n) => Buffer.alloc(size, n + 1))))).toBe(true);
  await expect(complete(s3, "big", id, parts)).rejects.toMatchObject({ name: "NoSuchUpload" });
});

test("what is wrong with the parts is said, and nothing is made of them", async () => {
  const { s3 } = await started();
  const id = await begun(s3, "big");
  const [first, second] = await sent(s3, "big", id, [5 * MIB - 1, 3]);
  await expect(complete(s3, "big", id, [first!, second!])).rejects.toMatchObject({ name: "EntityTooSmall" });
  await expect(complete(s3, "big", id, [second!, first!])).rejects.toMatchObject({ name: "InvalidPartOrder" });
  await expect(complete(s3, "big", id, [{ PartNumber: 1, ETag: '"0"' }])).rejects.toMatchObject({
    name: "InvalidPart",
  });
  await expect(s3.send(new GetObjectCommand(at("big")))).rejects.toMatchObject({ name: "NoSuchKey" });
});

test("completing has a condition", async () => {
  const { s3 } = await started();
  await s3.send(new PutObjectCommand({ ...at("big"), Body: "there" }));
  const id = await begun(s3, "big");
  const parts = await sent(s3, "big", id, [3]);
  await expect(complete(s3, "big", id, parts, { IfNoneMatch: "*" })).rejects.toMatchObject({
    name: "PreconditionFailed",
  });
  await complete(s3, "big", id, parts);
});

test("uploads are listed in pages, and gone when they are aborted", async () => {
  const { s3 } = await started();
  const ids = await Promise.all(["a/1", "a/2", "b"].map((key) => begun(s3, key)));
  const list = (o: object) => s3.send(new ListMultipartUploadsCommand({ Bucket: "bucket", ...o }));
  const first = await list({ Prefix: "a/", MaxUploads: 1 });
  expect(first.Uploads?.map(({ Key }) => Key)).toEqual(["a/1"]);
  const marker = { KeyMarker: first.NextKeyMarker, UploadIdMarker: first.NextUploadIdMarker };
  const second = await list({ Prefix: "a/", MaxUploads: 1, ...marker });
  expect([second.Uploads?.map(({ Key }) => Key), second.IsTruncated]).toEqual([["a/2"], false]);
  const abort = () => s3.send(new AbortMultipartUploadCommand({ ...at("b"), UploadId: ids[2] }));
  await abort();
  await expect(abort()).rejects.toMatchObject({ name: "NoSuchUpload" });
  expect((await list({})).Uploads).toHaveLength(2);
});

test("a part can be copied from an object", async () => {
  const { s3 } = await started();
  await s3.send(new PutObjectCommand({ ...at("source"), Body: "0123456789" }));
  const id = await begun(s3, "big");
  const place = { ...at("big"), UploadId: id, PartNumber: 1 };
  const { CopyPartResult } = await s3.send(
    new UploadPartCopyCommand({ ...place, CopySource: "bucket/source", CopySourceRange: "bytes=2-4" }),
  );
  await complete(s3, "big", id, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
  expect(await (await s3.send(new GetObjectCommand(at("big")))).Body!.transformToString()).toBe("234");
});
