import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Store } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

/** Layouts as other tools left them; the README beside them says how. */
const FIXTURES = fileURLToPath(new URL("../../../../tooling/peers/fixtures", import.meta.url));
const MANIFEST = /\.(?:index|manifest)\.v1\+json$/;

interface Expected {
  readonly tags: readonly string[];
  /** Entries of index.json. */
  readonly entries: number;
  /** Why, and the type of what is held. */
  readonly roots: readonly string[];
  /** Types of artifacts, each with the type of what it refers to. */
  readonly referrers: readonly string[];
  readonly garbage: number;
  /** What a check says of it; nothing unless given. */
  readonly findings?: readonly string[];
  /** Tags, and roots without a name, in the order in which they are deleted; and how many digests go with each. */
  readonly removed: readonly (readonly [root: string, digests: number])[];
}

const REFERRERS_OF_APP = "sha256-0a5ec94eea50e25a4aab32b8c781527aa2438911f46c3a2056ee79c56d4509ef";
const REFERRERS_OF_NOTE = "sha256-25349fe653ff76af972569ef3cd4196a19c9ed8f986f52bf9344746ab2790914";

const EXPECTED: Readonly<Record<string, Expected>> = {
  umoci: {
    tags: ["v1", "v2"],
    entries: 2,
    roots: ["tag v1: image", "tag v2: image"],
    referrers: [],
    garbage: 2,
    // With v1 its config; the layers are those of v2, too.
    removed: [
      ["v1", 2],
      ["v2", 4],
    ],
  },
  skopeo: {
    tags: ["app", "example.com/other:v1", "moved"],
    entries: 4,
    // The nameless entry is a child of `app`.
    roots: ["tag app: index", "tag example.com/other:v1: image", "tag moved: image"],
    referrers: [],
    garbage: 0,
    removed: [
      ["example.com/other:v1", 0],
      ["moved", 3],
      ["app", 8],
    ],
  },
  buildah: {
    tags: ["list", "moved"],
    entries: 3,
    roots: ["own: image", "tag list: index", "tag moved: image"],
    referrers: [],
    garbage: 0,
    removed: [
      ["moved", 3],
      ["list", 8],
      ["own: image", 3],
    ],
  },
  oras: {
    tags: ["alias", "app", "moved", "note"],
    entries: 9,
    roots: ["own: text/note", "tag alias: text/note", "tag app: index", "tag moved: text/note", "tag note: text/note"],
    referrers: ["application/spdx+json of index", "text/signature of image"],
    garbage: 0,
    removed: [
      ["note", 0],
      ["alias", 0],
      // Its file is attached to `app`.
      ["moved", 1],
      ["app", 11],
      ["own: text/note", 3],
    ],
  },
  regctl: {
    tags: ["app", "note", REFERRERS_OF_APP, REFERRERS_OF_NOTE],
    entries: 4,
    roots: ["tag app: index", "tag note: text/note"],
    referrers: ["application/spdx+json of index", "text/signature of text/note"],
    garbage: 0,
    // The fallback tags go with what they are named after.
    removed: [
      ["note", 4],
      ["app", 12],
    ],
  },
  crane: {
    tags: ["registry.example/app:app"],
    entries: 4,
    roots: ["own: image", "own: index", "tag registry.example/app:app: image"],
    referrers: [],
    garbage: 0,
    findings: ["warning layout: entry 1 of index.json is there twice"],
    // Of three entries with one name the last counts, which is on a child of the other two.
    removed: [
      ["registry.example/app:app", 0],
      ["own: index", 7],
      ["own: image", 4],
    ],
  },
};

/** A copy, and what is in it. */
async function opened(peer: string): Promise<{ directory: string; store: Store }> {
  const directory = join(await temporaryDirectory(), peer);
  await cp(join(FIXTURES, peer), directory, { recursive: true });
  const store = await openLayout(directory);
  onTestFinished(() => store.close());
  return { directory, store };
}

async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const blobsIn = (directory: string) => readdir(join(directory, "blobs/sha256"));

async function findingsOf(store: Store): Promise<string[]> {
  return (await listOf(store.check())).map(({ level, code, message }) => `${level} ${code}: ${message}`);
}

/** `index`, `image`, or the type of an artifact. */
async function kindOf(store: Store, digest: string): Promise<string> {
  const { artifactType, mediaType, config } = await store.repository().manifest(digest);
  if (artifactType && artifactType !== config?.mediaType) return artifactType;
  return mediaType.includes(".index.") ? "index" : "image";
}

async function rootsOf(store: Store): Promise<Map<string, string>> {
  const told = (await listOf(store.roots())).map(async ({ why, name, digest }): Promise<[string, string]> => {
    const title = name === undefined ? why : `${why} ${name}`;
    return [`${title}: ${await kindOf(store, digest)}`, digest];
  });
  return new Map(await Promise.all(told));
}

async function referrersOf(store: Store, directory: string): Promise<string[]> {
  const told: string[] = [];
  for (const name of await blobsIn(directory)) {
    const digest = `sha256:${name}`;
    const { mediaType } = (await store.repository().find(digest)) ?? { mediaType: "" };
    if (!MANIFEST.test(mediaType)) continue;
    for (const referrer of await listOf(store.repository().referrers(digest)))
      told.push(`${await kindOf(store, referrer.digest)} of ${await kindOf(store, digest)}`);
  }
  return told.sort();
}

test("each peer has left a layout, and there is one of nobody else", async () => {
  const entries = await readdir(FIXTURES, { withFileTypes: true });
  const layouts = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(layouts.sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.entries(EXPECTED))(
  "what %s left is read whole, and reading writes nothing",
  async (peer, expected) => {
    const { directory, store } = await opened(peer);
    const before = await snapshot(directory);
    const { manifests } = JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
    expect(manifests).toHaveLength(expected.entries);
    expect((await listOf(store.repository().tags())).map(({ name }) => name)).toEqual(expected.tags);
    expect([...(await rootsOf(store)).keys()].sort()).toEqual(expected.roots);
    expect(await referrersOf(store, directory)).toEqual(expected.referrers);
    expect(await findingsOf(store)).toEqual(expected.findings ?? []);
    expect((await store.planCollect({ grace: 0 })).items).toHaveLength(expected.garbage);
    expect(await snapshot(directory)).toEqual(before);
  },
);

test.each(Object.entries(EXPECTED))("what %s left goes root by root, until nothing is left", async (peer, expected) => {
  const { directory, store } = await opened(peer);
  expect((await store.collect({ grace: 0 })).removed).toBe(expected.garbage);
  for (const [root, count] of expected.removed) {
    const reference = (await rootsOf(store)).get(root) ?? root;
    const before = await blobsIn(directory);
    const { removed } = await store.repository().delete(reference);
    expect([root, removed]).toEqual([root, count]);
    expect(before.length - (await blobsIn(directory)).length).toBe(count);
    expect((await findingsOf(store)).filter((finding) => finding.startsWith("error"))).toEqual([]);
    expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
  }
  expect(await blobsIn(directory)).toEqual([]);
  expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests).toEqual([]);
});
