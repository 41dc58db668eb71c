import { describe, expect, test } from "vitest";
import {
  copy,
  copyAll,
  type Descriptor,
  type Digest,
  digestOf,
  MEDIA_TYPES,
  openMemory,
  packIndex,
  packManifest,
  type ReadableRepository,
} from "../../src/index.ts";
import { but, furnish, pair, stored, tagsOf, utf8 } from "./support.ts";

// The source plays an attacker, or a registry that is broken. Whatever it does, nothing may be tagged, and the error has to
// say whose fault it was.

type Lie = (from: ReadableRepository, fixture: Awaited<ReturnType<typeof furnish>>) => Partial<ReadableRepository>;

const after = (list: readonly Descriptor[]) =>
  async function* () {
    yield* list;
  };

const never = digestOf(utf8("never stored"));

const LIES: readonly (readonly [string, string, Lie])[] = [
  ["another manifest than was asked for", "DIGEST_MISMATCH", (_, { v1 }) => ({ resolve: async () => v1 })],
  [
    "a digest that is none",
    "DIGEST_INVALID",
    (_, { v1 }) => ({ resolve: async () => ({ ...v1, digest: "../../x" as Digest }) }),
  ],
  ["a size that is none", "MANIFEST_INVALID", (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, size: -1 }) })],
  [
    "a size that is no number",
    "MANIFEST_INVALID",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, size: "7" as never }) }),
  ],
  ["a wrong size", "SIZE_MISMATCH", (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, size: amd64.size - 1 }) })],
  [
    "a size above the limit",
    "MANIFEST_TOO_LARGE",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, size: 5_000_000 }) }),
  ],
  [
    "a media type that is none",
    "MANIFEST_INVALID",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, mediaType: "a b" }) }),
  ],
  [
    "another kind of manifest",
    "MANIFEST_INVALID",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, mediaType: MEDIA_TYPES.imageIndex }) }),
  ],
  [
    "a type of which nobody knows what it names",
    "MANIFEST_INVALID",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, mediaType: "application/x" }) }),
  ],
  [
    "Docker's schema 1",
    "UNSUPPORTED",
    (_, { amd64 }) => ({ resolve: async () => ({ ...amd64, mediaType: MEDIA_TYPES.dockerSchema1 }) }),
  ],
  [
    "other bytes of a manifest",
    "DIGEST_MISMATCH",
    (from, { amd64 }) => ({
      bytes: async (each, o) => (each.digest === amd64.digest ? utf8(" ".repeat(amd64.size)) : from.bytes(each, o)),
    }),
  ],
  ["no bytes", "MANIFEST_INVALID", () => ({ bytes: async () => "text" as never })],
  ["a manifest of 10 MiB", "SIZE_MISMATCH", () => ({ bytes: async () => new Uint8Array(10 * 1024 * 1024) })],
  [
    "other bytes of a blob",
    "DIGEST_MISMATCH",
    (from) => ({
      blob: async function* (each, o) {
        for await (const piece of from.blob(each, o)) yield piece.map((byte) => byte ^ 1);
      },
    }),
  ],
  [
    "fewer bytes of a blob",
    "SIZE_MISMATCH",
    (from) => ({
      blob: async function* (each, o) {
        for await (const piece of from.blob(each, o)) yield piece.subarray(1);
      },
    }),
  ],
  [
    "bytes of a blob without end",
    "SIZE_MISMATCH",
    () => ({
      blob: async function* () {
        while (true) yield new Uint8Array(1000);
      },
    }),
  ],
  [
    "a blob that is no bytes",
    "UNAVAILABLE",
    () => ({
      blob: async function* () {
        yield "text" as never;
      },
    }),
  ],
  ["a referrer that refers to something else", "MANIFEST_INVALID", (_, { v1 }) => ({ referrers: after([v1]) })],
  ["a referrer that is not there", "NOT_FOUND", (_, { v1 }) => ({ referrers: after([{ ...v1, digest: never }]) })],
  [
    "a referrer of another size than it has",
    "MANIFEST_INVALID",
    (_, { amd64 }) => ({ referrers: after([{ ...amd64, size: 1 }]) }),
  ],
  [
    "a referrer that is no descriptor",
    "DIGEST_INVALID",
    (_, { amd64 }) => ({ referrers: after([{ ...amd64, digest: 7 as never }]) }),
  ],
  [
    "referrers without end",
    "LIMIT_EXCEEDED",
    (_, { sbom }) => ({
      referrers: async function* () {
        while (true) yield sbom;
      },
    }),
  ],
];

describe("a source that gives", () => {
  test.each(LIES)("%s", async (_, code, lie) => {
    const { target, from, to } = await pair();
    const fixture = await furnish(from);
    const lying = but<ReadableRepository>(from, lie(from, fixture));
    await expect(
      copy(lying, to, fixture.amd64.digest, { referrers: true, tags: ["t"], limit: 1000 }),
    ).rejects.toMatchObject({
      code,
      data: { side: "source" },
    });
    expect(await tagsOf(to)).toEqual({});
    const manifests = await Promise.all([...(await stored(target))].map((digest) => to.find(digest)));
    expect(manifests.filter((each) => each !== undefined)).toEqual([]);
  });
});

test("a manifest that does not say what it is, and is said to be of a type of which nobody knows what it names", async () => {
  const { from, to } = await pair();
  const { amd64 } = await furnish(from);
  const { mediaType: _, ...rest } = JSON.parse(new TextDecoder().decode(await from.bytes(amd64)));
  const bytes = utf8(JSON.stringify(rest));
  const silent = { mediaType: "application/x", digest: digestOf(bytes), size: bytes.length };
  const lying = but<ReadableRepository>(from, { resolve: async () => silent, bytes: async () => bytes });
  await expect(copy(lying, to, silent.digest)).rejects.toMatchObject({
    code: "MANIFEST_INVALID",
    data: { side: "source" },
  });
  const honest = but<ReadableRepository>(from, {
    resolve: async () => ({ ...silent, mediaType: MEDIA_TYPES.imageManifest }),
    bytes: async () => bytes,
  });
  expect((await copy(honest, to, silent.digest)).blobs.copied.count).toBe(3);
});

test("a list of referrers that leads in a circle ends", async () => {
  const { from, to } = await pair();
  const { v1, amd64, sbom } = await furnish(from);
  const circle = but<ReadableRepository>(from, { referrers: after([amd64, sbom]) });
  // Each is listed as a referrer of everything, itself included; of these only one is true, and the rest has been read.
  await expect(copy(circle, to, amd64.digest, { referrers: true })).resolves.toMatchObject({ referrers: 1 });
  await expect(copy(circle, to, v1, { referrers: true })).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
});

test("a referrer that says so of itself comes along, once", async () => {
  const { from, to } = await pair();
  const { sbom, amd64 } = await furnish(from);
  const again = but<ReadableRepository>(from, { referrers: after([sbom, sbom, sbom]) });
  expect(await copy(again, to, amd64.digest, { referrers: true })).toMatchObject({ referrers: 1 });
});

test("more links than are to be followed", async () => {
  const { target, from, to } = await pair();
  await furnish(from);
  const refused = { code: "LIMIT_EXCEEDED", data: { side: "source", expected: 10 } };
  await expect(copy(from, to, "v1", { limit: 10 })).rejects.toMatchObject(refused);
  expect(await stored(target)).toEqual(new Set());
  await copy(from, to, "v1", { limit: 100 });
});

test("tags without end, and a tag that is none", async () => {
  const { from, to } = await pair();
  const { v1 } = await furnish(from);
  const tags = async function* () {
    while (true) yield { name: "v1", digest: v1.digest };
  };
  await expect(copyAll(but<ReadableRepository>(from, { tags }), to, { limit: 200 })).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
  });
  const bad = async function* () {
    yield { name: "\u001b[2J", digest: v1.digest };
  };
  await expect(copyAll(but<ReadableRepository>(from, { tags: bad }), to)).rejects.toMatchObject({
    code: "REFERENCE_INVALID",
    data: { side: "source" },
  });
});

test("two manifests that differ about the size of a blob", async () => {
  const { from, to } = await pair();
  const blob = { mediaType: MEDIA_TYPES.layer, digest: digestOf(utf8("layer")) };
  await from.session(async (session) => {
    await session.putBlob(utf8("layer"));
    await session.putBlob(utf8("{}"));
    const one = packManifest({ artifactType: "test/one", layers: [{ ...blob, size: 5 }] });
    const manifests = [await session.putManifest(one)];
    const other = packManifest({ artifactType: "test/two", layers: [{ ...blob, size: 6 }] });
    // A store refuses that, so only a source that makes its own rules has it.
    await expect(session.putManifest(other)).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    await session.putBlob(other.bytes);
    await session.putManifest(packIndex({ manifests: [...manifests, other.descriptor] }), {
      tags: ["t"],
      sparse: true,
    });
  });
  const rules = but<ReadableRepository>(from, {
    bytes: (each) => from.bytes(each.digest),
  });
  await expect(copy(rules, to, "t")).rejects.toMatchObject({ code: "MANIFEST_INVALID", data: { side: "source" } });
});

test("a very deep chain of indexes, and a very wide one", async () => {
  const from = (await openMemory()).repository("deep");
  const all = new Map<Digest, { bytes: Uint8Array; descriptor: Descriptor }>();
  const keep = (packed: { bytes: Uint8Array; descriptor: Descriptor }) => {
    all.set(packed.descriptor.digest, packed);
    return packed.descriptor;
  };
  let top = keep(packIndex({ manifests: [] }));
  for (let height = 0; height < 2000; height++) top = keep(packIndex({ manifests: [top] }));
  const many = Array.from({ length: 2000 }, (_, n) =>
    keep(packIndex({ manifests: [], annotations: { n: String(n) } })),
  );
  const wide = keep(packIndex({ manifests: many }));
  const made = but<ReadableRepository>(from, {
    resolve: async (each) => all.get(each as Digest)!.descriptor,
    bytes: async ({ digest }) => all.get(digest)!.bytes,
  });
  const put: Digest[] = [];
  const session = {
    has: async () => new Set<Digest>(),
    putBlob: async () => expect.unreachable("there are none"),
    putManifest: async ({ digest }: { digest?: Digest | undefined }) => {
      put.push(digest!);
      return all.get(digest!)!.descriptor;
    },
  };
  const to = { find: async () => undefined, session: <T>(work: (s: typeof session) => Promise<T>) => work(session) };
  expect((await copy(made, to, top.digest)).manifests.copied.count).toBe(2001);
  expect(put.at(-1)).toBe(top.digest);
  expect((await copy(made, to, wide.digest)).manifests.copied.count).toBe(2001);
});
