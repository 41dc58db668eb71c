import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { exportArchive, type FileStat, type FileSystem, importArchive, openArchive } from "@ocistore/backend-fs";
import { type Digest, digestOf, isOciStoreError, openMemory, type Store } from "@ocistore/core";
import fc from "fast-check";
import { test } from "vitest";
import { type Documents, writeDocuments } from "../src/documents.ts";
import { script } from "../src/operations.ts";

const numRuns = Number(process.env.OCISTORE_RUNS ?? 100);
/** The same in every run; `OCISTORE_SEED` goes before. */
const chosen = { seed: Number(process.env.OCISTORE_SEED ?? 20) };

/** One file, in memory. */
function fileSystem(content: Buffer): FileSystem {
  const stat: FileStat = { kind: "file", size: content.length, modified: 0, identity: "1:1", mode: 0o644 };
  const refuse = async () => {
    throw new Error("an archive is only read");
  };
  return {
    scope: "one file",
    realpath: async (path) => path,
    lstat: async (path) => (path === "/a.tar" ? stat : undefined),
    open: async () => ({
      read: async (buffer, offset, length, position) => content.copy(buffer, offset, position, position + length),
      stat: async () => stat,
      close: async () => {},
      write: refuse,
      sync: refuse,
      truncate: refuse,
    }),
    async *readdir() {},
    ...{ mkdir: refuse, rmdir: refuse, rename: refuse, link: refuse, unlink: refuse, touch: refuse, chmod: refuse },
    syncDirectory: refuse,
  };
}

const opened = (content: Buffer) => openArchive("/a.tar", { fs: fileSystem(content) });

async function archiveOf(store: Store): Promise<Buffer> {
  return exportArchive(store, { sparse: true }, async (archive) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of archive.bytes()) pieces.push(piece);
    const all = Buffer.concat(pieces);
    strictEqual(all.length, archive.size);
    return all;
  });
}

const content = fc.record({
  documents: script.map(({ documents }) => documents),
  tagged: fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
});

/** Blobs, and manifests in their order, some with a tag. */
async function filled(documents: Documents, tagged: readonly boolean[]): Promise<Store> {
  const store = await openMemory();
  await store.repository().session(async (session) => {
    for (const { bytes } of documents.blobs) await session.putBlob(bytes);
    for (const [number, { bytes }] of documents.manifests.entries())
      await session.putManifest({ bytes }, { tags: tagged[number] ? [`d${number}`] : [] });
  });
  return store;
}

/** By hand: what the roots keep, and what refers to that, until nothing is added. */
async function keptIn(store: Store, { manifests: all, byDigest }: Documents): Promise<Set<Digest>> {
  const kept = new Set<Digest>();
  const seen = new Set<Digest>();
  const queue: Digest[] = [];
  for await (const { digest } of store.roots()) queue.push(digest);
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    const document = byDigest.get(digest);
    if (!document) {
      // A subject that is a mere blob is in the repository only if something names it there.
      if (await store.parts.catalog.locate("", digest)) kept.add(digest);
      continue;
    }
    if (seen.has(digest)) continue;
    seen.add(digest);
    kept.add(digest);
    // A layer is a blob, whatever it is in itself.
    for (const blob of document.blobs) kept.add(blob);
    queue.push(...document.children, ...(document.subject ? [document.subject] : []));
    for (const other of all) if (other.subject === digest) queue.push(other.digest);
  }
  return kept;
}

async function listed(store: Store): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  for await (const { digest } of store.parts.blobs.list()) found.add(digest);
  return found;
}

async function rootsOf(store: Store): Promise<string[]> {
  const roots: string[] = [];
  for await (const { why, name, digest } of store.roots()) roots.push(`${why} ${name} ${digest}`);
  return roots.sort();
}

test("through an archive goes what the roots keep, and comes back as it was", () =>
  fc.assert(
    fc.asyncProperty(content, async ({ documents: sketches, tagged }) => {
      const documents = writeDocuments(sketches);
      const store = await filled(documents, tagged);
      const bytes = await archiveOf(store);
      const archive = await opened(bytes);
      deepStrictEqual([...(await listed(archive))].sort(), [...(await keptIn(store, documents))].sort());
      for (const digest of await listed(archive))
        deepStrictEqual(await archive.repository().bytes(digest), documents.bytesOf(digest));
      deepStrictEqual(await rootsOf(archive), await rootsOf(store));
      ok((await archiveOf(archive)).equals(bytes), "an archive of the archive is the same");
      const back = await openMemory();
      await importArchive(archive, back, { sparse: true });
      // A subject that comes before what refers to it is named by nothing yet, and that it was named elsewhere nobody knows.
      const subjects = new Set(documents.manifests.map(({ subject }) => `own undefined ${subject}`));
      const before = await rootsOf(store);
      const more = (await rootsOf(back)).filter((root) => !before.includes(root));
      ok(
        more.every((root) => subjects.has(root)),
        `roots that were none: ${more.join(", ")}`,
      );
      deepStrictEqual(await rootsOf(back), [...before, ...more].sort());
      // Nor is a mere blob in a repository for being a subject there.
      const isPlain = documents.manifests.every(({ subject }) => !subject || documents.byDigest.has(subject));
      if (more.length === 0 && isPlain)
        ok((await archiveOf(back)).equals(bytes), "an archive of what was imported is the same");
    }),
    { numRuns, ...chosen },
  ));

const damage = fc.oneof(
  fc.record({ do: fc.constant("flip" as const), at: fc.nat(), with: fc.integer({ min: 1, max: 255 }) }),
  // Where the headers are, and with what they are made of.
  fc.record({
    do: fc.constant("write" as const),
    at: fc.nat(),
    text: fc.constantFrom("0", "7", "\0", "x", "/", "..", "\xff"),
  }),
  fc.record({ do: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ do: fc.constant("drop" as const), block: fc.nat() }),
  fc.record({ do: fc.constant("double" as const), block: fc.nat() }),
  fc.record({ do: fc.constant("swap" as const), block: fc.nat(), other: fc.nat() }),
);

type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

const BLOCK = 512;

function damaged(bytes: Buffer, each: Damage): Buffer {
  if (bytes.length < BLOCK) return bytes;
  const blocks = Math.floor(bytes.length / BLOCK);
  const block = (n: number) => bytes.subarray((n % blocks) * BLOCK, ((n % blocks) + 1) * BLOCK);
  switch (each.do) {
    case "flip": {
      const copy = Buffer.from(bytes);
      copy[each.at % copy.length]! ^= each.with;
      return copy;
    }
    case "write": {
      const copy = Buffer.from(bytes);
      copy.write(each.text, each.at % copy.length, "latin1");
      return mended(copy, Math.floor((each.at % copy.length) / BLOCK) * BLOCK);
    }
    case "cut":
      return bytes.subarray(0, each.at % bytes.length);
    case "drop":
      return Buffer.concat([
        bytes.subarray(0, (each.block % blocks) * BLOCK),
        bytes.subarray(((each.block % blocks) + 1) * BLOCK),
      ]);
    case "double":
      return Buffer.concat([
        bytes.subarray(0, (each.block % blocks) * BLOCK),
        block(each.block),
        bytes.subarray((each.block % blocks) * BLOCK),
      ]);
    case "swap": {
      const copy = Buffer.from(bytes);
      block(each.other).copy(copy, (each.block % blocks) * BLOCK);
      return copy;
    }
  }
}

/** With a right checksum, if it is a header, so that what was changed is looked at. */
function mended(bytes: Buffer, at: number): Buffer {
  if (bytes.toString("latin1", at + 257, at + 262) !== "ustar") return bytes;
  const header = bytes.subarray(at, at + BLOCK);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return bytes;
}

/** Whatever fails is one of ours, and whatever comes is what was asked for. */
async function readAll(bytes: Buffer): Promise<void> {
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!isOciStoreError(error)) throw error;
    }
  };
  await attempt(async () => {
    const archive = await opened(bytes);
    const repository = archive.repository();
    await attempt(async () => {
      for await (const { name } of repository.tags()) await attempt(() => repository.manifest(name));
    });
    for (const digest of await listed(archive)) {
      await attempt(async () => {
        strictEqual(digestOf(await repository.bytes(digest)), digest);
      });
    }
    await attempt(async () => {
      for await (const _ of archive.check());
    });
    await attempt(async () => {
      const into = await openMemory();
      await importArchive(archive, into, { sparse: true });
      for await (const finding of into.check()) ok(["missing", "dangling"].includes(finding.code), finding.message);
    });
  });
}

test("a damaged archive gives no wrong bytes, and its errors are of ours", () =>
  fc.assert(
    fc.asyncProperty(content, fc.array(damage, { minLength: 1, maxLength: 4 }), async ({ documents, tagged }, how) => {
      const bytes = await archiveOf(await filled(writeDocuments(documents), tagged));
      await readAll(how.reduce(damaged, bytes));
    }),
    { numRuns, ...chosen },
  ));

test("noise is no archive", () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (noise) => readAll(Buffer.from(noise))),
    { numRuns, ...chosen },
  ));
