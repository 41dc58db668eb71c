import fc from "fast-check";
import { expect, test } from "vitest";
import { FlowGraph, keyOf, type SyncGraph, searchNow, type Verdicts } from "../../src/index.ts";
import { asked, forward, node, numberOf, type SmallGraph } from "./graphs.ts";

const numRuns = Number(process.env.OCISTORE_RUNS ?? 5000);

// Cycles included: no store has one, since a digest cannot name itself, but the search must not hang on one either.
const graphs: fc.Arbitrary<SmallGraph> = fc.integer({ min: 1, max: 8 }).chain((nodes) => {
  const each = fc.nat({ max: nodes - 1 });
  return fc.record({
    nodes: fc.constant(nodes),
    content: fc.array(fc.tuple(each, each), { maxLength: 10 }),
    subjects: fc.array(fc.tuple(each, each), { maxLength: 5 }),
    roots: fc.array(each, { maxLength: 2 }),
  });
});
const numbers = (nodes: number) => Array.from({ length: nodes }, (_, number) => number);

test("the search backwards finds live what the flow forwards does", () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const live = forward(graph);
      for (const number of numbers(graph.nodes)) {
        expect(searchNow(asked(graph), node(number)).live).toBe(live.has(number));
      }
    }),
    { numRuns },
  );
});

test("what one search has proven is true for the next, and no node is asked about again once it is known", () => {
  fc.assert(
    fc.property(graphs, fc.infiniteStream(fc.nat()), (graph, order) => {
      const live = forward(graph);
      const known: Verdicts = new Map();
      const inSomeOrder = numbers(graph.nodes)
        .map((number) => ({ number, at: order.next().value! }))
        .sort((a, b) => a.at - b.at);
      for (const { number } of inSomeOrder) {
        const before = new Set(known.keys());
        const once = askedOnlyOf(asked(graph), (key) => !before.has(key));
        expect(searchNow(once, node(number), known).live).toBe(live.has(number));
        for (const [key, verdict] of known)
          expect([key, verdict !== "dead"]).toEqual([key, live.has(Number(key.split(":")[1]))]);
      }
    }),
    { numRuns },
  );
});

/** Fails when it is asked about another node. */
function askedOnlyOf(graph: SyncGraph, allowed: (key: string) => boolean): SyncGraph {
  const checked =
    <T>(ask: (of: Parameters<SyncGraph["roots"]>[0]) => T) =>
    (of: Parameters<SyncGraph["roots"]>[0]) => {
      if (!allowed(keyOf(of))) throw new Error(`asked about ${keyOf(of)}, which is known`);
      return ask(of);
    };
  return {
    roots: checked(graph.roots),
    parents: checked(graph.parents),
    subjects: checked(graph.subjects),
    referrers: checked(graph.referrers),
  };
}

test("the chain leads from a root down to what was asked about, and each link holds the next", () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      for (const number of numbers(graph.nodes)) {
        const verdict = searchNow(asked(graph), node(number));
        if (!verdict.live) continue;
        const { chain, root } = verdict;
        expect(graph.roots).toContain(numberOf(root!));
        expect(chain[0]?.node).toEqual(node(numberOf(root!)));
        expect(chain.at(-1)).toEqual({ node: node(number), keeps: undefined });
        for (const [place, { node: holder, keeps }] of chain.slice(0, -1).entries()) {
          const pair = [numberOf(holder), numberOf(chain[place + 1]!.node)] as const;
          const [pairs, link] =
            keeps === "content"
              ? [graph.content, pair]
              : [graph.subjects, keeps === "subject" ? ([pair[1], pair[0]] as const) : pair];
          expect(pairs).toContainEqual(link);
        }
      }
    }),
    { numRuns },
  );
});

test("the mark finds live what the flow forwards does", () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const flow = new FlowGraph();
      flow.include(graph.nodes - 1);
      for (const [parent, child] of graph.content) flow.keeps(parent, child);
      for (const [referrer, subject] of graph.subjects) {
        flow.keeps(referrer, subject);
        flow.keeps(subject, referrer);
      }
      const marks = flow.mark(graph.roots);
      const live = forward(graph);
      expect([...marks]).toEqual(numbers(graph.nodes).map((number) => (live.has(number) ? 1 : 0)));
    }),
    { numRuns },
  );
});

test("who alone keeps a node is who is left when the others are counted", () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(), { maxLength: 6 }), (graph, picks) => {
      const flow = new FlowGraph();
      flow.include(graph.nodes - 1);
      for (const [parent, child] of graph.content) flow.keeps(parent, child);
      for (const [referrer, subject] of graph.subjects) {
        flow.keeps(referrer, subject);
        flow.keeps(subject, referrer);
      }
      const holders = [...new Set(picks.map((pick) => pick % graph.nodes))];
      const reached = holders.map((holder) => new Set(flow.reach([holder])));
      const expected = numbers(graph.nodes).map((node) => {
        const keeping = reached.flatMap((each, place) => (each.has(node) ? [place + 1] : []));
        return keeping.length > 1 ? -1 : (keeping[0] ?? 0);
      });
      expect([...flow.soleHolders(holders)]).toEqual(expected);
    }),
    { numRuns },
  );
});
