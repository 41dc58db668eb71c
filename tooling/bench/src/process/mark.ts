import { FlowGraph } from "@ocistore/core";
import { Random } from "../layout/random.ts";

// The mark of a whole store, beside a bare search over the same arrays: node mark.js flow|bare NODES EDGES

const [how = "", nodes = "", edges = ""] = process.argv.slice(2);
const { size, from, to } = arrows(Number(nodes), Number(edges));
const began = performance.now();
const met = how === "flow" ? flow() : bare();
// Filling the arrays is no part of it.
process.stdout.write(JSON.stringify({ ms: performance.now() - began, met }));

/** All that there is to reach is reached: arrows lead from each node, and the first leads to the next one. */
function arrows(size: number, count: number) {
  const random = new Random(1);
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    from[at] = at % size;
    to[at] = at < size ? (at + 1) % size : random.below(size);
  }
  return { size, from, to };
}

function flow(): number {
  const graph = new FlowGraph();
  for (let at = 0; at < from.length; at++) graph.keeps(from[at]!, to[at]!);
  return sum(graph.mark([0]));
}

function bare(): number {
  const starts = new Int32Array(size + 1);
  for (let at = 0; at < from.length; at++) starts[from[at]! + 1]! += 1;
  for (let node = 0; node < size; node++) starts[node + 1]! += starts[node]!;
  const targets = new Int32Array(to.length);
  const free = starts.slice(0, size);
  for (let at = 0; at < from.length; at++) targets[free[from[at]!]!++] = to[at]!;
  const live = new Uint8Array(size);
  const queue = new Int32Array(size);
  live[0] = 1;
  let end = 1;
  for (let next = 0; next < end; next++) {
    const node = queue[next]!;
    for (let at = starts[node]!; at < starts[node + 1]!; at++) {
      const other = targets[at]!;
      if (live[other] === 1) continue;
      live[other] = 1;
      queue[end++] = other;
    }
  }
  return sum(live);
}

function sum(marks: Uint8Array): number {
  let all = 0;
  for (const each of marks) all += each;
  return all;
}
