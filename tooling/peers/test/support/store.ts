import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import type { Descriptor, Finding, Outcome, Plan, Store } from "@ocistore/core";
import { expect, onTestFinished } from "vitest";
import { type Digest, faultsOf, garbageIn, type Layout, type Prediction, predict, readLayout } from "./naive.ts";

/** Opened for one test. */
export async function opened(directory: string, o: { readonly create?: boolean } = {}): Promise<Store> {
  const store = await openLayout(directory, o);
  onTestFinished(() => store.close());
  return store;
}

/** Applies a plan; what it says was removed, what is missing on disk afterwards and what was planned are the same. */
export async function removedBy(store: Store, directory: string, plan: Plan): Promise<Digest[]> {
  const before = await readLayout(directory);
  const removed: string[] = [];
  await store.apply(plan, {
    onOutcome: ({ digest, outcome }: Outcome) => {
      if (outcome === "removed") removed.push(digest);
    },
  });
  const after = await readLayout(directory);
  const gone = [...before.blobs.keys()].filter((digest) => !after.blobs.has(digest)).sort();
  expect(removed.sort()).toEqual(gone);
  expect(plan.items.map(({ digest }) => digest).sort()).toEqual(gone);
  expect([...after.blobs.keys()].filter((digest) => !before.blobs.has(digest))).toEqual([]);
  return gone;
}

/** Deletes, and holds what happened on disk against what the naive mark says. */
export async function deletesAsPredicted(
  store: Store,
  directory: string,
  reference: string,
  { removed, index }: Pick<Prediction, "removed" | "index">,
): Promise<Layout> {
  const untouched = await snapshot(directory);
  const plan = await store.repository().planDelete(reference);
  expect(await snapshot(directory)).toEqual(untouched);
  expect(await removedBy(store, directory, plan)).toEqual(removed);
  const after = await readLayout(directory);
  expect(after.index).toEqual(index);
  expect(faultsOf(after)).toEqual([]);
  return after;
}

export async function findings(store: Store): Promise<Finding[]> {
  const found: Finding[] = [];
  for await (const finding of store.check()) found.push(finding);
  return found;
}

export async function tagsOf(store: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.repository().tags()) names.push(name);
  return names;
}

/** Every file below, our own directory included, by the hash of its content. */
export async function snapshot(directory: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[path.slice(directory.length + 1)] = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  }
  return files;
}

/** Why and what, for each root, sorted. */
export async function rootsOf(store: Store): Promise<string[]> {
  const roots: string[] = [];
  for await (const { why, name, digest } of store.roots()) roots.push(`${why} ${name ?? digest}`);
  return roots.sort();
}

/** The digests of what refers to it. */
export async function referrersOf(store: Store, reference: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { digest } of store.repository().referrers(reference)) found.push(digest);
  return found.sort();
}

/** Neither we nor the second implementation find any damage; nothing but `garbage` would be collected. */
export async function isSound(store: Store, directory: string, garbage: readonly Digest[] = []): Promise<Layout> {
  const layout = await readLayout(directory);
  expect((await findings(store)).filter(({ level }) => level === "error")).toEqual([]);
  expect(faultsOf(layout)).toEqual([]);
  expect(garbageIn(layout)).toEqual([...garbage].sort());
  const { items } = await store.planCollect({ grace: 0 });
  expect(items.map(({ digest }) => digest).sort()).toEqual([...garbage].sort());
  return layout;
}

/** Deletes tag by tag, then root by root, each as predicted, until nothing is left. */
export async function deletesAll(store: Store, directory: string): Promise<void> {
  for (;;) {
    const [tag] = await tagsOf(store);
    const [root] = tag === undefined ? await rootsOf(store) : [];
    const next = tag ?? root?.split(" ")[1];
    if (next === undefined) break;
    await deletesAsPredicted(store, directory, next, predict(await readLayout(directory), next));
  }
  const { blobs, index } = await readLayout(directory);
  expect([...blobs.keys()]).toEqual([]);
  expect(index.manifests).toEqual([]);
}

/** What lies under a digest. */
export const contentOf = (directory: string, digest: string): Promise<string> =>
  readFile(join(directory, "blobs", digest.replace(":", "/")), "utf8");

/** With fields that no specification knows, and annotations of other people, `dev.ocistore.own` among them. */
export async function withForeignFields(directory: string): Promise<Layout> {
  const path = join(directory, "index.json");
  const { manifests, ...index } = JSON.parse(await readFile(path, "utf8"));
  const marked = manifests.map((entry: { annotations?: Record<string, string> }, at: number) => ({
    ...entry,
    "x-at": at,
    annotations: { ...entry.annotations, "com.example.note": `entry ${at}`, ...(at === 1 && { [OWN]: "true" }) },
  }));
  await writeFile(path, JSON.stringify({ ...index, manifests: marked, annotations: { note: "whole" }, "x-tool": 1 }));
  return readLayout(directory);
}

const OWN = "dev.ocistore.own";

/** The name of the first entry of index.json is on this manifest, too, in an entry after all others. */
export async function withSecondEntry(directory: string, { digest, size, mediaType }: Descriptor): Promise<void> {
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  index.manifests.push({ mediaType, digest, size, annotations: index.manifests[0].annotations });
  await writeFile(path, JSON.stringify(index));
}
