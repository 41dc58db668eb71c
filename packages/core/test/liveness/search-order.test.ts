import { expect, test } from "vitest";
import {
  type Question,
  type Root,
  reverseSearch,
  type SyncGraph,
  searchAsync,
  searchNow,
  type Verdicts,
} from "../../src/index.ts";
import { asked, node, numberOf } from "./graphs.ts";

/** What a search asks, in order, as `parents 3`. */
function questions(graph: SyncGraph, start: number, known?: Verdicts): string[] {
  const search = reverseSearch(node(start), known);
  const list: string[] = [];
  for (let step = search.next(); !step.done; ) {
    const { ask, node: of }: Question = step.value;
    list.push(`${ask} ${numberOf(of)}`);
    step = search.next(graph[ask](of));
  }
  return list;
}

test("a root of its own needs one question", () => {
  const graph = asked({ nodes: 3, content: [[1, 0]], subjects: [[2, 0]], roots: [0, 1] });
  expect(questions(graph, 0)).toEqual(["roots 0"]);
});

test("its own roots come first, then parents, then its subject; referrers only when all else has led nowhere", () => {
  // 1 names 0; 0 refers to 2; 3 refers to 0. Nothing is live, so that everything is asked.
  const graph = asked({
    nodes: 4,
    content: [[1, 0]],
    subjects: [
      [0, 2],
      [3, 0],
    ],
    roots: [],
  });
  const list = questions(graph, 0);
  expect(list.slice(0, 3)).toEqual(["roots 0", "parents 0", "subjects 0"]);
  const firstReferrers = list.findIndex((each) => each.startsWith("referrers"));
  for (const near of ["roots 1", "parents 1", "subjects 1", "roots 2", "parents 2", "subjects 2"]) {
    expect(list.indexOf(near)).toBeLessThan(firstReferrers);
  }
  expect(list.indexOf("roots 3")).toBeGreaterThan(firstReferrers);
  expect(new Set(list).size).toBe(16);
  expect(list).toHaveLength(16);
});

test("from one of 10 000 referrers of a subject that a tagged index names, none of the others is met", () => {
  const subject = 0;
  const index = 1;
  const start = 2;
  const referrers = Array.from({ length: 10_000 }, (_, n) => [start + n, subject] as const);
  const graph = asked({ nodes: 10_002, content: [[index, subject]], subjects: referrers, roots: [index] });
  const list = questions(graph, start);
  expect(list).toEqual(["roots 2", "parents 2", "subjects 2", "roots 0", "parents 0", "subjects 0", "roots 1"]);
});

test("a search that ends without a root has proven all that it met dead", () => {
  const graph = asked({
    nodes: 5,
    content: [
      [1, 0],
      [2, 1],
    ],
    subjects: [[3, 1]],
    roots: [4],
  });
  const known: Verdicts = new Map();
  expect(searchNow(graph, node(0), known)).toEqual({ live: false });
  expect([...known].sort()).toEqual([0, 1, 2, 3].map((number) => [`r sha256:${number}`, "dead"]));
  for (const number of [1, 2, 3]) expect(questions(graph, number, known)).toEqual([]);
});

test("at a root only the path down to the start is proven; what else was met is not", () => {
  // 1 and 2 name 0; only 2 is a root. 1 was met first and is dead.
  const graph = asked({
    nodes: 3,
    content: [
      [1, 0],
      [2, 0],
    ],
    subjects: [],
    roots: [2],
  });
  const known: Verdicts = new Map();
  expect(searchNow(graph, node(0), known)).toMatchObject({ live: true, root: { name: "t2" } });
  expect([...known]).toMatchObject([
    ["r sha256:2", { name: "t2" }],
    ["r sha256:0", { name: "t2" }],
  ]);
  expect(searchNow(graph, node(1), known).live).toBe(false);
});

test("a search that meets what is known to be live stops there, with the root that was found before", () => {
  const graph = asked({
    nodes: 3,
    content: [
      [2, 1],
      [1, 0],
    ],
    subjects: [],
    roots: [2],
  });
  const root: Root = { ...node(2), why: "tag", name: "v1" };
  const known: Verdicts = new Map([["r sha256:1", root]]);
  expect(searchNow(graph, node(0), known)).toEqual({
    live: true,
    root,
    chain: [
      { node: node(1), keeps: "content" },
      { node: node(0), keeps: undefined },
    ],
  });
});

test("asked in time the answer is the same", async () => {
  const graph = asked({ nodes: 2, content: [[1, 0]], subjects: [], roots: [1] });
  const slow = {
    roots: async (of: Parameters<SyncGraph["roots"]>[0]) => graph.roots(of),
    parents: async (of: Parameters<SyncGraph["roots"]>[0]) => graph.parents(of),
    subjects: async (of: Parameters<SyncGraph["roots"]>[0]) => graph.subjects(of),
    referrers: async (of: Parameters<SyncGraph["roots"]>[0]) => graph.referrers(of),
  };
  expect(await searchAsync(slow, node(0))).toEqual(searchNow(graph, node(0)));
  expect(await searchAsync(slow, node(7))).toEqual({ live: false });
});

test("a chain of 100 000 manifests does not exhaust the stack", () => {
  const graph: SyncGraph = {
    roots: (of) => (numberOf(of) === 100_000 ? [{ ...of, why: "own" }] : []),
    parents: (of) => [node(numberOf(of) + 1)],
    subjects: () => [],
    referrers: () => [],
  };
  const verdict = searchNow(graph, node(0));
  expect(verdict.live && verdict.chain.length).toBe(100_001);
});

test("of 10 000 manifests that name a layer only the first few are met, if these are live", () => {
  const graph = asked({ nodes: 0, content: [], subjects: [], roots: [1] });
  let met = 0;
  const named: SyncGraph = {
    ...graph,
    *parents(of) {
      if (numberOf(of) !== 0) return;
      for (let parent = 1; parent <= 10_000; parent++) {
        met += 1;
        yield node(parent);
      }
    },
  };
  expect(searchNow(named, node(0)).live).toBe(true);
  expect(met).toBeLessThan(100);
});

test.each([1, 16, 17, 400, 999])("that only parent %i of a thousand is a root is found, and that none is", (root) => {
  const content = Array.from({ length: 999 }, (_, parent) => [parent + 1, 0] as const);
  const withRoot = asked({ nodes: 1000, content, subjects: [], roots: [root] });
  expect(searchNow(withRoot, node(0))).toMatchObject({ live: true, chain: [{ node: node(root) }, { node: node(0) }] });
  const verdicts: Verdicts = new Map();
  expect(searchNow(asked({ nodes: 1000, content, subjects: [], roots: [] }), node(0), verdicts).live).toBe(false);
  expect(verdicts.size).toBe(1000);
});
