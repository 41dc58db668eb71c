import { expect, test } from "vitest";
import { FlowGraph } from "../../src/index.ts";

test("a cycle is marked once and ends, and one without a root is dead", () => {
  const graph = new FlowGraph();
  const [a, b, c, d, e] = [0, 1, 2, 3, 4];
  graph.keeps(a, b);
  graph.keeps(b, c);
  graph.keeps(c, a);
  graph.keeps(d, e);
  graph.keeps(e, d);
  graph.keeps(a, a);
  expect([...graph.mark([b])]).toEqual([1, 1, 1, 0, 0]);
  expect([...graph.mark([])]).toEqual([0, 0, 0, 0, 0]);
  expect([...graph.mark([a, a, e])]).toEqual([1, 1, 1, 1, 1]);
});

test("nodes and arrows that are added after a mark count in the next one", () => {
  const graph = new FlowGraph();
  graph.keeps(0, 1);
  expect([...graph.mark([0])]).toEqual([1, 1]);
  graph.keeps(1, 2);
  expect([...graph.mark([0])]).toEqual([1, 1, 1]);
});

test.each([1023, 1024, 1025, 2048, 2049, 5000])("a chain of %i arrows outgrows the first buffer unharmed", (arrows) => {
  const graph = new FlowGraph();
  for (let n = 0; n < arrows; n++) graph.keeps(n, n + 1);
  graph.include(arrows + 1);
  const marks = graph.mark([0]);
  expect(marks.length).toBe(arrows + 2);
  expect(marks.slice(0, arrows + 1).every((mark) => mark === 1)).toBe(true);
  expect(marks[arrows + 1]).toBe(0);
});

test("a million nodes and three million arrows", () => {
  const nodes = 1_000_000;
  const graph = new FlowGraph();
  // Two heaps of half a million, each node keeping three of its own heap; only the first has a root.
  const half = nodes / 2;
  for (let n = 0; n < half; n++) {
    for (const start of [0, half]) {
      for (const to of [2 * n + 1, 2 * n + 2, (n * 7919) % half]) graph.keeps(start + n, start + (to % half));
    }
  }
  const marks = graph.mark([0]);
  let live = 0;
  for (const mark of marks) live += mark;
  expect(live).toBe(half);
  expect(marks[half - 1]).toBe(1);
  expect(marks[half]).toBe(0);
});
