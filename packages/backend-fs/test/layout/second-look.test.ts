import { readFile, rm, writeFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { ForeignLayout } from "../support/foreign-layout.ts";

/** An index of which one child is not there, with all that the child names. */
async function sparse() {
  const layout = await ForeignLayout.make();
  const child = await layout.image("amd64");
  layout.list(await layout.index([child, await layout.image("arm64")]), "latest");
  await layout.writeIndex();
  await layout.age();
  const bytes = await readFile(layout.path(child.digest));
  await rm(layout.path(child.digest));
  const store = await openLayout(layout.directory);
  onTestFinished(() => store.close());
  return { layout, store, child, bytes };
}

test("a manifest that was absent when a plan was made, and that another tool has put there since, keeps what it names", async () => {
  const { layout, store, child, bytes } = await sparse();
  const before = await layout.blobs();
  const plan = await store.planCollect({ grace: 0 });
  expect(plan.items).toHaveLength(2);
  await writeFile(layout.path(child.digest), bytes);
  expect(await store.apply(plan)).toMatchObject({ removed: 0, skipped: 2 });
  expect(await layout.blobs()).toEqual(new Set([...before, child.digest]));
});

test("what another tool has erased since a plan was made is missed by the next plan", async () => {
  const { layout, store, child, bytes } = await sparse();
  await writeFile(layout.path(child.digest), bytes);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
  await rm(layout.path(child.digest));
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 2 });
});
