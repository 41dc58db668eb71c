import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packManifest, type Repository, type Store } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";

const WINDOW = { grace: 0, window: 3_600_000, wait: 0 };

async function place() {
  const directory = join(await temporaryDirectory(), "layout");
  const store = await openLayout(directory, { create: true, policy: WINDOW });
  onTestFinished(() => store.close());
  const file = join(directory, "index.json");
  return { store, repository: store.repository(), file, index: () => readFile(file, "utf8") };
}

function image(repository: Repository, name: string) {
  return repository.session(async (session) => {
    const layer = await session.putBlob(bytes(`layer of ${name}`));
    return session.putManifest(packManifest({ artifactType: "application/vnd.x", layers: [layer] }));
  });
}

async function rootsOf(store: Store): Promise<string[]> {
  const roots: string[] = [];
  for await (const { why, digest } of store.roots()) roots.push(`${why} ${digest}`);
  return roots.sort();
}

test("what a collection left for a pin is a root again after undo, and its entry is what another tool had made of it", async () => {
  const { store, repository, file, index } = await place();
  const { digest } = await image(repository, "a");
  await repository.pin(digest, "p");
  const foreign = JSON.parse(await index());
  foreign.manifests[0].annotations = { "org.example.note": "kept" };
  await writeFile(file, JSON.stringify(foreign));
  const before = { index: await index(), roots: await rootsOf(store) };

  const { run } = await store.collect({ untagged: 0 });
  expect(await rootsOf(store)).toEqual([`pin ${digest}`]);
  await store.undo(run);
  expect({ index: await index(), roots: await rootsOf(store) }).toEqual(before);
});

test("a window of any length leaves a layout that the next process can read", async () => {
  const { store, repository } = await place();
  const { digest } = await image(repository, "a");
  const { run } = await repository.delete(digest, { window: Number.MAX_SAFE_INTEGER });
  expect(await rootsOf(store)).toEqual([]);
  await store.undo(run);
  expect(await rootsOf(store)).toEqual([`own ${digest}`]);
});
