import { digestOf, isOciStoreError, type Placement } from "@ocistore/core";
import type { Fault } from "@ocistore-tooling/s3-strict";
import { expect, test } from "vitest";
import { gathered, isWhole, keysOf, noise, operations, pieces, type Started, started } from "./support/server.ts";

const bytes = noise(300_000);
const digest = digestOf(bytes);

/** A server that begins to fail like this when told; and a blob on it. */
async function struck(operation: string, fault: (count: number) => Fault | undefined) {
  const state = { isOn: false, count: 0 };
  const all = await started({
    fault: (asked) => (state.isOn && asked.operation === operation ? fault(state.count++) : undefined),
  });
  const placement = await put(all);
  state.isOn = true;
  return { ...all, placement, stop: () => (state.isOn = false) };
}

async function put({ blobs }: Started, content = bytes): Promise<Placement> {
  const upload = await blobs.upload("a", { create: true, digest: digestOf(content), keep: false });
  await upload.write(pieces(content), { at: 0 });
  const placement = await upload.commit(digestOf(content));
  await upload.publish();
  return placement;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: unknown) => (isOciStoreError(error) ? error.code : error),
  );

test("O1: a server that is overloaded for a moment is asked again; one that stays so is UNAVAILABLE", async () => {
  const moment = await struck("PutObject", (count) => (count === 0 ? { answer: 503, code: "SlowDown" } : undefined));
  expect(await codeOf(put(moment))).toBe("done");
  const forGood = await struck("PutObject", () => ({ answer: 503, code: "SlowDown" }));
  expect(await codeOf(put(forGood))).toBe("UNAVAILABLE");
  // Not for ever: the client's own number of tries.
  expect(operations(forGood).filter((each) => each === "PutObject")).toHaveLength(3);
});

test("O2: an answer that is lost after it was done is no loss", async () => {
  const all = await struck("PutObject", (count) => (count === 0 ? { cutAnswerAfter: "head" } : undefined));
  const placement = await put(all);
  expect(await isWhole(all.blobs, placement, bytes)).toBe(true);
});

test("O3: an answer that is cut at every 64 KiB is gone on with, of the same object", async () => {
  const all = await struck("GetObject", () => ({ cutAnswerAfter: 64 * 1024 }));
  expect((await gathered(all.blobs.read(all.placement))).equals(bytes)).toBe(true);
  expect(operations(all).filter((each) => each === "GetObject")).toHaveLength(Math.ceil(bytes.length / 65_536));
});

test("O3: one that brings nothing is tried a few times", async () => {
  const all = await struck("GetObject", () => ({ cutAnswerAfter: 0 }));
  expect(await codeOf(gathered(all.blobs.read(all.placement)))).toBe("UNAVAILABLE");
  expect(operations(all).filter((each) => each === "GetObject").length).toBeLessThan(10);
});

test("O3: a request that is cut leaves nothing under the name", async () => {
  const all = await struck("PutObject", () => ({ cutRequestAfter: 64 * 1024 }));
  const before = keysOf(all);
  expect(await codeOf(put(all, noise(200_000)))).toBe("UNAVAILABLE");
  expect(keysOf(all)).toEqual(before);
});

test("O4: an object with fewer bytes than it should have is CORRUPT, and not read for ever", async () => {
  const all = await started();
  const placement = await put(all);
  const bucket = all.server.buckets.get("bucket")!;
  const [key = ""] = bucket.keys();
  bucket.set(key, { ...bucket.objects.get(key)!, bytes: Buffer.from(bytes.subarray(0, 1000)) });
  expect(await codeOf(gathered(all.blobs.read(placement)))).toBe("CORRUPT");
});

test("O5: an object that has changed in the middle is not gone on with", async () => {
  const all = await struck("GetObject", (count) => (count === 0 ? { cutAnswerAfter: 64 * 1024 } : undefined));
  const bucket = all.server.buckets.get("bucket")!;
  const [key = ""] = bucket.keys();
  const reading = all.blobs.read(all.placement)[Symbol.asyncIterator]();
  await reading.next();
  bucket.set(key, { ...bucket.objects.get(key)!, etag: '"another"' });
  const rest = async () => {
    while (!(await reading.next()).done);
  };
  expect(await codeOf(rest())).toBe("CONFLICT");
});

test("deletions: each key has an answer of its own, and what stays is said to stay", async () => {
  const all = await struck("DeleteObjects", () => ({
    refuse: (key) => (key.includes(digest.slice(7)) ? "AccessDenied" : undefined),
  }));
  const other = await put(all, noise(10));
  const answers: unknown[] = [];
  for await (const { placement, error } of all.blobs.delete([all.placement, other])) {
    answers.push([placement.digest, isOciStoreError(error) && error.code]);
  }
  expect(answers).toEqual([
    [digest, "PERMISSION"],
    [other.digest, false],
  ]);
  expect(keysOf(all)).toHaveLength(1);
});

test("deletions: what is neither deleted nor refused is not said to be gone", async () => {
  const all = await struck("DeleteObjects", () => ({ answer: 200, body: "<DeleteResult></DeleteResult>" }));
  for await (const { error } of all.blobs.delete([all.placement])) expect(error).toMatchObject({ code: "UNAVAILABLE" });
  expect(keysOf(all)).toHaveLength(1);
  expect.assertions(2);
});

test("O15: what is not allowed is PERMISSION, at once, and never absence", async () => {
  for (const operation of ["HeadObject", "GetObject"]) {
    const all = await struck(operation, () => ({ answer: 403, code: "AccessDenied" }));
    const before = operations(all).length;
    const ask = operation === "HeadObject" ? all.blobs.stat(all.placement) : gathered(all.blobs.read(all.placement));
    expect(await codeOf(ask)).toBe("PERMISSION");
    expect(operations(all).length - before).toBe(1);
  }
});

test("O16: an answer that is none of S3's is UNAVAILABLE", async () => {
  for (const fault of [
    { answer: 502, body: "<html>Bad gateway</html>" },
    { answer: 200, body: "<html>Welcome</html>" },
  ]) {
    const all = await struck("ListObjectsV2", () => fault);
    const list = async () => {
      for await (const _ of all.blobs.list());
    };
    expect(await codeOf(list())).toBe("UNAVAILABLE");
  }
});

test("a bucket that is not there is never an empty one", async () => {
  const { server, blobs } = await started();
  (server.buckets as Map<string, unknown>).clear();
  const placement = { digest, size: 1, generation: "x" };
  expect(await codeOf(blobs.stat(placement))).toBe("LAYOUT_INVALID");
  expect(await codeOf(gathered(blobs.read(placement)))).toBe("LAYOUT_INVALID");
});
