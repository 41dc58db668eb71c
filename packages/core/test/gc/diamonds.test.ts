import { expect, test } from "vitest";
import { type CellFacts, type Descriptor, type Digest, recordedFacts } from "../../src/index.ts";
import { image, index, open } from "./support.ts";

/** Facts that count how often each manifest is looked up. */
function countingFacts() {
  const counts = new Map<Digest, number>();
  const facts: CellFacts = {
    ...recordedFacts,
    record: (draft, repository, digest, o) => {
      counts.set(digest, (counts.get(digest) ?? 0) + 1);
      return recordedFacts.record(draft, repository, digest, o);
    },
  };
  return { facts, counts };
}

test("40 levels of diamonds, 2^40 paths: no manifest is read twice for a graph", { timeout: 30_000 }, async () => {
  const { facts, counts } = countingFacts();
  const { store, app } = await open({ facts });
  let level: Descriptor[] = [await image(app, ["left"]), await image(app, ["right"])];
  for (let n = 0; n < 40; n++) {
    // Each names both below, and says so twice; a subject makes the two of a level different.
    const both = [...level, ...level];
    level = [await index(app, both), await index(app, both, { subject: level[0]! })];
  }
  const top = await index(app, level, { tags: ["top"] });

  counts.clear();
  const nothing = await store.planCollect({ grace: 0 });
  expect(nothing.items).toEqual([]);
  expect(Math.max(0, ...counts.values())).toBeLessThanOrEqual(1);

  counts.clear();
  const plan = await app.planDelete("top");
  expect(plan.items.filter(({ kind }) => kind === "manifest")).toHaveLength(83);
  expect(plan.items[0]?.digest).toBe(top.digest);
  // At most once for the graph, and once more for each that dies.
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(2);

  expect((await store.apply(plan)).skipped).toBe(0);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
});
