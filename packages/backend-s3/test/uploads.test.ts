import { type Bytes, digestOf } from "@ocistore/core";
import { expect, test } from "vitest";
import { isWhole, keysOf, MIB, multipartsOf, noise, operations, PART, pieces, started } from "./support/server.ts";

const bytes = noise(12 * MIB + 3);
const digest = digestOf(bytes);

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("what is small is one request; with a digest that is known, what is large goes where it will lie", async () => {
  const small = await started();
  const one = await small.blobs.upload("a", { create: true, keep: false });
  await one.write(pieces(bytes.subarray(0, 1000)), { at: 0 });
  await one.commit(undefined);
  expect(operations(small)).toEqual(["PutObject"]);

  const large = await started();
  const upload = await large.blobs.upload("a", { create: true, digest, keep: false });
  expect(await upload.write(pieces(bytes), { at: 0 })).toBe(bytes.length);
  const placement = await upload.commit(digest, { size: bytes.length });
  const asked = ["CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart", "CompleteMultipartUpload"];
  expect(operations(large)).toEqual(asked);
  expect(keysOf(large)).toEqual([`prod/blobs/sha256/${digest.slice(7)}/${placement.generation}`]);
  expect(await isWhole(large.blobs, placement, bytes)).toBe(true);
});

test("without a digest it is copied to its place within the bucket, and the rest is tidied away", async () => {
  const all = await started();
  const upload = await all.blobs.upload("a", { create: true });
  await upload.write(pieces(bytes), { at: 0 });
  const placement = await upload.commit(undefined);
  await upload.publish();
  expect(placement).toMatchObject({ digest, size: bytes.length });
  expect(keysOf(all)).toEqual([`prod/blobs/sha256/${digest.slice(7)}/${placement.generation}`]);
  expect(multipartsOf(all)).toBe(0);
  expect(operations(all)).toContain("CopyObject");
  expect(all.server.asked.filter(({ operation, key }) => operation === "GetObject" && key.endsWith("/data"))).toEqual(
    [],
  );
});

test.each([
  ["in the middle of a part", PART + 1_000_000],
  ["between two parts", 2 * PART],
  ["before the first part is whole", 1_000_000],
])("another process goes on with it, broken off %s, and all of it is checked", async (_, cut) => {
  const all = await started();
  const first = await all.blobs.upload("a", { create: true, digest });
  async function* broken(): Bytes {
    yield* pieces(bytes.subarray(0, cut));
    throw new Error("gone");
  }
  await expect(first.write(broken(), { at: 0 })).rejects.toThrow("gone");
  await first.release();
  const other = all.open();
  const second = await other.upload("a", { digest });
  expect(second.offset).toBe(cut);
  await second.write(pieces(bytes.subarray(cut)), { at: cut });
  const placement = await second.commit(digest, { size: bytes.length });
  await second.publish();
  expect(await isWhole(other, placement, bytes)).toBe(true);
  expect([keysOf(all).length, multipartsOf(all)]).toEqual([1, 0]);
});

test("what was gone on with and is not what it should be leaves nothing", async () => {
  const all = await started();
  const first = await all.blobs.upload("a", { create: true, digest });
  await first.write(pieces(bytes.subarray(0, PART + 5)), { at: 0 });
  const second = await all.open().upload("a", { digest });
  await second.write(pieces(noise(bytes.length - PART - 5)), { at: PART + 5 });
  await expect(second.commit(digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect([keysOf(all), multipartsOf(all)]).toEqual([[], 0]);
});

test("a part that fails fails the write, and the next try sends what is missing", async () => {
  let failing = true;
  const all = await started({
    fault: ({ operation, query }) =>
      failing && operation === "UploadPart" && query.get("partNumber") === "2"
        ? { answer: 403, code: "AccessDenied" }
        : undefined,
  });
  const upload = await all.blobs.upload("a", { create: true, digest });
  await expect(upload.write(pieces(bytes), { at: 0 })).rejects.toMatchObject({ code: "PERMISSION" });
  failing = false;
  const again = await all.open().upload("a", { digest });
  expect(again.offset).toBe(PART);
  await again.write(pieces(bytes.subarray(PART)), { at: PART });
  const placement = await again.commit(digest);
  expect(await isWhole(all.blobs, placement, bytes)).toBe(true);
});

test("what is kept beyond the parts counts only for the parts that were there then", async () => {
  let failing = false;
  const all = await started({
    fault: ({ operation, key }) =>
      failing && operation === "PutObject" && key.endsWith("/tail") ? { answer: 403, code: "AccessDenied" } : undefined,
  });
  const first = await all.blobs.upload("a", { create: true, digest });
  await first.write(pieces(bytes.subarray(0, PART + 5)), { at: 0 });
  failing = true;
  const rest = pieces(bytes.subarray(PART + 5, 2 * PART + 100));
  await expect(first.write(rest, { at: PART + 5 })).rejects.toMatchObject({ code: "PERMISSION" });
  failing = false;
  const second = await all.open().upload("a", { digest });
  expect(second.offset).toBe(2 * PART);
  await second.write(pieces(bytes.subarray(2 * PART)), { at: 2 * PART });
  expect(await isWhole(all.blobs, await second.commit(digest), bytes)).toBe(true);
});

test("of what died in parts the list tells, and giving it up leaves nothing", async () => {
  const all = await started();
  const before = Date.now();
  const upload = await all.blobs.upload("a", { create: true, digest, keep: false });
  await upload.write(pieces(bytes), { at: 0 });
  const other = all.open();
  const [info, ...more] = await listed(other.uploads());
  expect(more).toEqual([]);
  expect(info).toMatchObject({ offset: 2 * PART });
  expect(info!.touched).toBeGreaterThanOrEqual(before);
  await (await other.upload(info!.id)).abort();
  expect(await listed(other.uploads())).toEqual([]);
  expect(multipartsOf(all)).toBe(0);
  await expect(other.upload(info!.id)).rejects.toMatchObject({ code: "UPLOAD_UNKNOWN" });
});

test("what was committed and collected before it was known is UPLOAD_UNKNOWN", async () => {
  const { blobs } = await started();
  const upload = await blobs.upload("a", { create: true, keep: false });
  await upload.write(pieces(bytes.subarray(0, 10)), { at: 0 });
  const placement = await upload.commit(undefined);
  for await (const { error } of blobs.delete([placement])) expect(error).toBeUndefined();
  await expect(upload.publish()).rejects.toMatchObject({ code: "UPLOAD_UNKNOWN" });
});
