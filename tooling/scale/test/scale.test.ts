import { bytesNode, liveFlow } from "@ocistore/core";
import { expect, test } from "vitest";
import { digestAt, edgesAt, isReferrer, nodesOf, numberOf, sizeAt } from "../src/shape.ts";
import { SHAPE } from "../src/size.ts";
import { openSynthetic } from "../src/synthetic.ts";

const TIMEOUT = 600_000;
const nodes = nodesOf(SHAPE);
const edges = SHAPE.manifests * (1 + SHAPE.unique + SHAPE.shared);
/** With its referrer an image is a holder; the referrer has no tag. */
const tagged = Array.from({ length: SHAPE.manifests }, (_, number) => number).filter(
  (each) => !isReferrer(each, SHAPE),
);

/** What a manifest and all that it names weigh; each digest once. */
function weigh(manifests: readonly number[], isCounted: (number: number) => boolean): number {
  const met = new Set(manifests);
  for (const each of manifests) for (const { to } of edgesAt(each, SHAPE)) met.add(numberOf(to));
  let sum = 0;
  for (const each of met) if (isCounted(each)) sum += sizeAt(each);
  return sum;
}

test("who uses how much", { timeout: TIMEOUT }, async () => {
  const store = await openSynthetic(SHAPE);
  const usage = await store.usage();
  let count = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const { root, size, unique, shared } of usage.roots) {
    expect(size).toBeLessThanOrEqual(last);
    last = size;
    expect(size).toBe(unique + shared);
    if (count++ % 997 !== 0) continue;
    const number = numberOf(root.digest);
    const manifests = isReferrer(number + 1, SHAPE) ? [number, number + 1] : [number];
    expect(size).toBe(weigh(manifests, () => true));
    expect(unique).toBe(weigh(manifests, (each) => each < nodes - SHAPE.pool));
  }
  expect(count).toBe(tagged.length);
  let all = 0;
  for (let number = 0; number < nodes; number++) all += sizeAt(number);
  expect(usage.live + usage.garbage).toBe(all);
  expect(usage.garbage).toBeLessThan(all / 100);
});

test("why a layer is kept that many share, each reason as it is found", { timeout: TIMEOUT }, async () => {
  const store = await openSynthetic(SHAPE);
  const layer = digestAt(nodes - 1);
  const expected = new Set<string>();
  for (let number = 0; number < SHAPE.manifests; number++) {
    if (!edgesAt(number, SHAPE).some(({ to }) => to === layer)) continue;
    expected.add(`v${isReferrer(number, SHAPE) ? number - 1 : number}`);
  }
  const found = new Set<string>();
  for await (const { root, chain } of store.why(layer)) {
    expect(chain.at(-1)?.node).toEqual(bytesNode(layer));
    found.add(root.name ?? "");
  }
  expect(found).toEqual(expected);
  expect(found.size).toBeGreaterThan(100);
});

test("what a collection would take, and a mark of it all", { timeout: TIMEOUT }, async () => {
  const store = await openSynthetic(SHAPE);
  const { items } = await store.planCollect({ grace: 0 });
  const named = new Set<number>();
  for (let number = 0; number < SHAPE.manifests; number++) {
    for (const { to } of edgesAt(number, SHAPE)) if (numberOf(to) >= nodes - SHAPE.pool) named.add(numberOf(to));
  }
  expect(items).toHaveLength(SHAPE.pool - named.size);
});

test("an untag reads each manifest once, and so does the next", { timeout: TIMEOUT }, async () => {
  const store = await openSynthetic(SHAPE);
  await store.repository().untag("v0");
  await store.repository().untag("v1");
  expect(store.reads()).toBeLessThanOrEqual(SHAPE.manifests);
});

test("in numbers a store takes little for each node and each edge", { timeout: TIMEOUT }, async () => {
  const store = await openSynthetic(SHAPE);
  const arrays = () => {
    gc?.();
    return process.memoryUsage().arrayBuffers;
  };
  const before = arrays();
  const reader = await store.parts.catalog.graph();
  const graph = arrays() - before;
  const flow = await liveFlow(reader);
  const live = flow.graph.mark(flow.roots);
  const both = arrays() - before;
  expect(live.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(nodes * 0.99);
  expect(graph).toBeLessThan(120 * nodes + 32 * edges);
  expect(both).toBeLessThan(240 * nodes + 64 * edges);
});
