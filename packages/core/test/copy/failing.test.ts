import { describe, expect, test } from "vitest";
import {
  copy,
  copyAll,
  isOciStoreError,
  OciStoreError,
  packManifest,
  type ReadableRepository,
  type WritableRepository,
  type WritableSession,
} from "../../src/index.ts";
import { but, findings, furnish, pair, recorder, stored, tagsOf, utf8 } from "./support.ts";

const reason = new Error("enough");

/** A destination whose session fails in one of its calls. */
function failing(to: WritableRepository, methods: (session: WritableSession) => Partial<WritableSession>) {
  return but(to, {
    session: (work, o) =>
      to.session((session) => {
        const replaced = methods(session);
        return work({
          has: replaced.has ?? ((...args) => session.has(...args)),
          putBlob: replaced.putBlob ?? ((...args) => session.putBlob(...args)),
          putManifest: replaced.putManifest ?? ((...args) => session.putManifest(...args)),
        });
      }, o),
  });
}

const broken = async () => {
  throw new OciStoreError("NO_SPACE", "no room");
};

describe("an error says which side failed, and at what", () => {
  const of = async (wrong: (from: ReadableRepository, to: WritableRepository) => Promise<unknown>) => {
    const { from, to } = await pair();
    await furnish(from);
    return wrong(from, to).then(
      () => expect.unreachable("it fails"),
      (error: unknown) => (isOciStoreError(error) ? { code: error.code, ...error.data } : error),
    );
  };
  const one = async () => {
    throw new OciStoreError("UNAVAILABLE", "nobody answers");
  };
  const listing = () => ({ [Symbol.asyncIterator]: () => ({ next: one }) });
  test.each<[string, object, (from: ReadableRepository, to: WritableRepository) => Promise<unknown>]>([
    [
      "resolve",
      { code: "UNAVAILABLE", side: "source", op: "resolve" },
      (from, to) => copy(but(from, { resolve: one }), to, "v1"),
    ],
    [
      "no such tag",
      { code: "NOT_FOUND", side: "source", op: "resolve", reference: "v9" },
      (from, to) => copy(from, to, "v9"),
    ],
    [
      "reading a manifest",
      { code: "UNAVAILABLE", side: "source", op: "read" },
      (from, to) => copy(but(from, { bytes: one }), to, "v1"),
    ],
    [
      "a failure that is none of ours",
      { code: "UNAVAILABLE", side: "source", op: "read" },
      (from, to) => copy(but(from, { bytes: async () => Promise.reject(reason) }), to, "v1"),
    ],
    [
      "reading a blob",
      { code: "UNAVAILABLE", side: "source", op: "read" },
      (from, to) =>
        copy(
          but(from, {
            blob: listing,
          }),
          to,
          "v1",
        ),
    ],
    [
      "listing referrers",
      { code: "UNAVAILABLE", side: "source", op: "list referrers" },
      (from, to) =>
        copy(
          but(from, {
            referrers: listing,
          }),
          to,
          "v1",
          { referrers: true },
        ),
    ],
    [
      "listing tags",
      { code: "UNAVAILABLE", side: "source", op: "list tags" },
      (from, to) =>
        copyAll(
          but(from, {
            tags: listing,
          }),
          to,
        ),
    ],
    [
      "asking what is there",
      { code: "NO_SPACE", side: "destination", op: "look" },
      (from, to) =>
        copy(
          from,
          failing(to, () => ({ has: broken })),
          "v1",
        ),
    ],
    [
      "finding a tag",
      { code: "NO_SPACE", side: "destination", op: "look" },
      (from, to) => copy(from, but(to, { find: broken }), "v1", { expect: null }),
    ],
    [
      "storing a blob",
      { code: "NO_SPACE", side: "destination", op: "write" },
      (from, to) =>
        copy(
          from,
          failing(to, () => ({ putBlob: broken })),
          "v1",
        ),
    ],
    [
      "storing a manifest",
      { code: "NO_SPACE", side: "destination", op: "write" },
      (from, to) =>
        copy(
          from,
          failing(to, () => ({ putManifest: broken })),
          "v1",
        ),
    ],
    [
      "opening a session",
      { code: "NO_SPACE", side: "destination", op: "write" },
      (from, to) => copy(from, but(to, { session: broken }), "v1"),
    ],
  ])("%s", async (_, expected, wrong) => expect(await of(wrong)).toMatchObject(expected));
});

test("what a caller's own function throws is thrown", async () => {
  const { from, to } = await pair();
  await furnish(from);
  const fails = () => {
    throw reason;
  };
  await expect(copy(from, to, "v1", { filter: fails })).rejects.toBe(reason);
  await expect(copy(from, to, "v1", { onProgress: fails })).rejects.toBe(reason);
});

test("the first failure stops the rest, and is the one that is reported", async () => {
  const { from, to } = await pair();
  await furnish(from);
  let calls = 0;
  const slow = but(from, {
    blob: async function* (blob, o) {
      if (++calls === 2) throw new OciStoreError("UNAVAILABLE", "the first");
      await new Promise((resolve) => setImmediate(resolve));
      o?.signal?.throwIfAborted();
      yield* from.blob(blob, o);
    },
  });
  await expect(copy(slow, to, "v1", { concurrency: 3 })).rejects.toThrow("the first");
  expect(calls).toBeLessThanOrEqual(3);
});

describe("an abort", () => {
  test.each(["found", "copying", "copied", "skipped"])(
    "at the first %s: the signal's reason, and nothing tagged",
    async (when) => {
      const { from, to } = await pair();
      await furnish(from);
      await to.openSession("mine").putBlob(utf8("the base layer"));
      const controller = new AbortController();
      const onProgress = ({ event }: { event: string }) => {
        if (event === when) controller.abort(reason);
      };
      await expect(copy(from, to, "v1", { onProgress, signal: controller.signal })).rejects.toBe(reason);
      expect(await tagsOf(to)).toEqual({});
    },
  );

  test("before anything", async () => {
    const { from, to } = await pair();
    await furnish(from);
    await expect(copy(from, to, "v1", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(copyAll(from, to, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each(["resolve", "bytes", "blob", "referrers"] as const)(
    "while the source never answers to %s",
    async (method) => {
      const { from, to } = await pair();
      await furnish(from);
      const controller = new AbortController();
      const forever = () => {
        setImmediate(() => controller.abort(reason));
        return new Promise<never>(() => {});
      };
      const listing = () => ({ [Symbol.asyncIterator]: () => ({ next: forever }) });
      const stalling = but<ReadableRepository>(from, {
        [method]: method === "resolve" || method === "bytes" ? forever : listing,
      });
      await expect(copy(stalling, to, "v1", { signal: controller.signal, referrers: true })).rejects.toBe(reason);
      expect(await tagsOf(to)).toEqual({});
    },
  );
});

test("a copy that broke off is taken up where it was, and what it left is garbage without that", async () => {
  const { from, to, target } = await pair();
  const { v1 } = await furnish(from);
  let left = 5;
  const dying = failing(to, (session) => ({
    putBlob: (...args) => (left-- > 0 ? session.putBlob(...args) : broken()),
  }));
  await expect(copy(from, dying, "v1", { concurrency: 1 })).rejects.toMatchObject({ code: "NO_SPACE" });
  expect((await stored(target)).size).toBe(5);
  // Claimed for an hour.
  expect(await target.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  const { blobs } = await copy(from, to, "v1");
  expect(blobs).toMatchObject({ skipped: { count: 5 }, copied: { count: 4 } });
  expect(await tagsOf(to)).toEqual({ v1: v1.digest });
  expect(await findings(target)).toEqual([]);
});

test("a large blob that broke off goes on where it was", async () => {
  const { from, to } = await pair();
  const large = new Uint8Array(3 * 1024 * 1024).map((_, at) => at % 251);
  await from.session(async (session) => {
    const layer = await session.putBlob(large);
    await session.putManifest(packManifest({ artifactType: "test/large", layers: [layer] }), { tags: ["large"] });
  });
  const starts: number[] = [];
  let left = 20;
  const dying = but<ReadableRepository>(from, {
    blob: async function* (blob, o) {
      if (o?.end !== 0) starts.push(o?.start ?? 0);
      for await (const piece of from.blob(blob, o)) {
        if (left-- === 0) throw new OciStoreError("UNAVAILABLE", "the line is dead");
        yield piece;
      }
    },
  });
  await expect(copy(dying, to, "large", { concurrency: 1 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(starts).toHaveLength(2);
  const seen: number[] = [];
  const { blobs } = await copy(dying, to, "large", {
    onProgress: (event) => {
      if (event.event === "copying" && event.descriptor.size === large.length) seen.push(event.bytes);
    },
  });
  expect(starts.at(-1)).toBeGreaterThan(large.length / 4);
  expect(seen[0]).toBeGreaterThan(starts.at(-1)!);
  expect(seen.at(-1)).toBe(large.length);
  expect(blobs.copied.bytes).toBe(large.length);
  const [layer] = (await to.manifest("large")).layers;
  // Read whole, it is checked against its digest.
  expect((await to.bytes(layer!, { limit: large.length })).length).toBe(large.length);
});

test("a large blob that went on from wrong bytes is begun anew", async () => {
  const { from, to } = await pair();
  const large = new Uint8Array(2 * 1024 * 1024).fill(7);
  await from.session(async (session) => {
    const layer = await session.putBlob(large);
    await session.putManifest(packManifest({ artifactType: "test/large", layers: [layer] }), { tags: ["large"] });
  });
  let isLying = true;
  const dying = but<ReadableRepository>(from, {
    blob: async function* (blob, o) {
      let pieces = 0;
      for await (const piece of from.blob(blob, o)) {
        yield isLying ? piece.map((byte) => byte + 1) : piece;
        if (isLying && ++pieces === 10) throw new OciStoreError("UNAVAILABLE", "the line is dead");
      }
    },
  });
  const only = { concurrency: 1, filter: () => true };
  await to.openSession("mine").putBlob(utf8("{}"));
  await expect(copy(dying, to, "large", only)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  isLying = false;
  await expect(copy(dying, to, "large", only)).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
    data: { side: "source" },
  });
  expect((await copy(dying, to, "large", only)).tags).toEqual(["large"]);
});

test("whatever dies with the manifests, the next try brings it to its end, and its referrers are found", async () => {
  for (let dies = 1; dies <= 9; dies++) {
    const { from, to, target } = await pair();
    const { v1, signature } = await furnish(from);
    let calls = 0;
    const dying = failing(to, (session) => ({
      putManifest: async (content, o) => {
        calls += 1;
        // As a crash would: the bytes are stored, and not what they are.
        if (calls === dies && content.bytes) await session.putBlob({ stream: content.bytes });
        return calls >= dies ? broken() : session.putManifest(content, o);
      },
    }));
    const failed = await copy(from, dying, "v1", { referrers: true, concurrency: 1 }).then(
      () => false,
      () => true,
    );
    expect(failed).toBe(dies <= 8);
    if (failed) expect(await tagsOf(to)).toEqual({});
    await copy(from, to, "v1", { referrers: true });
    expect(await tagsOf(to)).toEqual({ v1: v1.digest });
    const referrers = [];
    for await (const { digest } of to.referrers("v1")) referrers.push(digest);
    expect(referrers).toEqual([signature.digest]);
    expect(await findings(target)).toEqual([]);
    expect(await target.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  }
});

describe("a dry run", () => {
  test("tells what the real one does, and changes nothing", async () => {
    const { from, to, target } = await pair();
    await furnish(from);
    const session = to.openSession("mine");
    await session.putBlob(utf8("the base layer"));
    await session.putManifest(packManifest({ artifactType: "test/mine" }), { tags: ["mine"] });
    const before = await stored(target);
    const [dry, real] = [recorder(), recorder()];
    const o = { referrers: true, concurrency: 1 };
    const planned = await copy(from, to, "v1", { ...o, dryRun: true, onProgress: dry.onProgress });
    expect(await stored(target)).toEqual(before);
    expect(Object.keys(await tagsOf(to))).toEqual(["mine"]);
    expect(await copy(from, to, "v1", { ...o, onProgress: real.onProgress })).toEqual(planned);
    expect(planned.blobs.skipped.count).toBe(2);
    expect(dry.events).toEqual(real.events.filter((event) => !event.startsWith("copying")));
  });

  test("fails as the real one does", async () => {
    const { from, to } = await pair();
    await furnish(from);
    await to.session((session) => session.putManifest(packManifest({ artifactType: "test/old" }), { tags: ["v1"] }));
    await expect(copy(from, to, "v1", { dryRun: true, expect: null })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(copy(from, to, "v9", { dryRun: true })).rejects.toMatchObject({ code: "NOT_FOUND" });
    const blind = { find: to.find.bind(to), session: to.session.bind(to) };
    await expect(copy(from, blind, "v1", { dryRun: true })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});

describe("all tags", () => {
  test("one after the other, each whole when it is set", async () => {
    const { from, to, target } = await pair();
    const { v1, amd64 } = await furnish(from);
    await from.tag(amd64, "amd64");
    await from.tag("v1", "latest");
    const { events, onProgress } = recorder();
    const receipt = await copyAll(from, to, { onProgress });
    expect(receipt.tags).toEqual(["amd64", "latest", "v1"]);
    expect(receipt.manifests.copied.count).toBe(5);
    expect(receipt.blobs.copied.count).toBe(9);
    expect(await tagsOf(to)).toEqual({ amd64: amd64.digest, latest: v1.digest, v1: v1.digest });
    expect(events.indexOf("tagged amd64")).toBeLessThan(events.indexOf(`copied manifest ${v1.digest}`));
    expect(await findings(target)).toEqual([]);
    const again = await copyAll(from, to);
    expect(again).toMatchObject({ manifests: { copied: { count: 0 }, skipped: { count: 5 } } });
  });

  test("null: those that are there are left alone", async () => {
    const { from, to } = await pair();
    const { v1, amd64 } = await furnish(from);
    await from.tag(amd64, "amd64");
    const mine = await to.session((session) =>
      session.putManifest(packManifest({ artifactType: "test/mine" }), { tags: ["v1"] }),
    );
    const { events, onProgress } = recorder();
    expect((await copyAll(from, to, { expect: null, onProgress })).tags).toEqual(["amd64"]);
    expect(events.at(-1)).toBe("kept v1");
    expect(await tagsOf(to)).toEqual({ amd64: amd64.digest, v1: mine.digest });
    expect(await to.find(v1)).toBeUndefined();
  });

  test("none", async () => {
    const { from, to } = await pair();
    expect(await copyAll(from, to)).toMatchObject({ tags: [], manifests: { copied: { count: 0 } } });
  });
});
