import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import type { Finding, Outcome, Plan, Store } from "@ocistore/core";
import { expect, onTestFinished } from "vitest";
import { type Digest, faultsOf, type Layout, type Prediction, readLayout } from "./naive.ts";

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

/** Why and what, for each root. */
export async function rootsOf(store: Store): Promise<string[]> {
  const roots: string[] = [];
  for await (const { why, name, digest } of store.roots()) roots.push(`${why} ${name ?? digest}`);
  return roots;
}
