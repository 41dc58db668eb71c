import type { GraphNode, Root } from "../contract/catalog.ts";
import { keyOf } from "./node.ts";

// The rule of liveness, asked backwards (docs/liveness.md has it as a table).
//
//   back(x) = the stored manifests that name x as content, its subject if that is stored, its stored referrers.
//   x is live iff some member of back*(x), x included, is a root.
//
// The search knows no catalog: it is a generator that asks and is told. The same lines so decide inside a transaction of
// a synchronous database, over a graph in memory, and over a catalog far away.
//
// What an answer proves is less than it seems. At a root only the path from it down to x is proven live; of the other
// nodes that were met nothing is known. A search that ends without a root has proven every node it met dead.

/** What the search wants to know about a node. */
export interface Question {
  readonly ask: "roots" | "parents" | "subjects" | "referrers";
  readonly node: GraphNode;
}

/** How the holder keeps the held: it names it as content, it is its subject, or it is a referrer of it. */
export type Hold = "content" | "subject" | "referrer";

/** A link of the chain from a root down to what it keeps; `keeps` says how it holds the next one, if there is a next. */
export interface Link {
  readonly node: GraphNode;
  readonly keeps?: Hold | undefined;
}

export type Verdict =
  | { readonly live: true; readonly root: Root; readonly chain: readonly Link[] }
  | { readonly live: false };

/**
 * What earlier searches have proven, by {@link keyOf}: the root that keeps a node, or that it is dead. Good only for as long
 * as nothing changes: inside one critical section, or over one version of the catalog.
 */
export type Verdicts = Map<string, Root | "dead">;

/**
 * So many of those that name a node are met at first, and twice as many each time after that, if these lead to no root: a layer
 * may be named by a hundred thousand manifests, and any of them may show that it is live.
 */
const FEW = 16;

/** Asks until it is known whether `start` is live. The answers to `roots` are {@link Root}s, to the rest nodes. */
export function* reverseSearch(
  start: GraphNode,
  known: Verdicts = new Map(),
): Generator<Question, Verdict, Iterable<GraphNode>> {
  const met = new Map<string, { node: GraphNode; held?: string; keeps?: Hold }>();
  const near: string[] = [];
  const withParentsToMeet: { readonly key: string; readonly rest: Iterator<GraphNode>; readonly most: number }[] = [];
  // Referrers come last: of a million referrers of one subject, the subject's own parents are the shorter way to a root.
  const withReferrersToAsk: string[] = [];

  const meetOne = (node: GraphNode, held: string | undefined, keeps: Hold | undefined) => {
    const key = keyOf(node);
    if (met.has(key)) return;
    met.set(key, { node, ...(held !== undefined && { held }), ...(keeps && { keeps }) });
    near.push(key);
  };
  const meet = (nodes: Iterable<GraphNode>, held: string, keeps: Hold) => {
    for (const node of nodes) meetOne(node, held, keeps);
  };
  const meetParents = (key: string, rest: Iterator<GraphNode>, most: number) => {
    for (let count = 0; count < most; count++) {
      const { done, value } = rest.next();
      if (done) return;
      meetOne(value, key, "content");
    }
    withParentsToMeet.push({ key, rest, most: 2 * most });
  };
  const proven = (from: string, root: Root): Verdict => {
    const chain: Link[] = [];
    for (let key: string | undefined = from; key !== undefined; ) {
      const { node, held, keeps }: { node: GraphNode; held?: string; keeps?: Hold } = met.get(key)!;
      chain.push({ node, keeps });
      known.set(key, root);
      key = held;
    }
    return { live: true, root, chain };
  };

  meetOne(start, undefined, undefined);
  for (let next = 0, gone = 0, asked = 0; ; ) {
    if (next < near.length) {
      const key = near[next++]!;
      const { node } = met.get(key)!;
      const verdict = known.get(key);
      if (verdict === "dead") continue;
      if (verdict) return proven(key, verdict);
      const [root] = yield { ask: "roots", node };
      if (root) return proven(key, root as Root);
      meetParents(key, (yield { ask: "parents", node })[Symbol.iterator](), FEW);
      meet(yield { ask: "subjects", node }, key, "subject");
      withReferrersToAsk.push(key);
    } else if (gone < withParentsToMeet.length) {
      const { key, rest, most } = withParentsToMeet[gone++]!;
      meetParents(key, rest, most);
    } else if (asked < withReferrersToAsk.length) {
      const key = withReferrersToAsk[asked++]!;
      meet(yield { ask: "referrers", node: met.get(key)!.node }, key, "referrer");
    } else {
      for (const key of met.keys()) known.set(key, "dead");
      return { live: false };
    }
  }
}

/** The four questions, answered at once. */
export interface SyncGraph {
  roots(node: GraphNode): readonly Root[];
  parents(node: GraphNode): Iterable<GraphNode>;
  subjects(node: GraphNode): readonly GraphNode[];
  referrers(node: GraphNode): readonly GraphNode[];
}

/** The four questions, answered in time; {@link GraphReader} is one. */
export interface AsyncGraph {
  roots(node: GraphNode): Promise<readonly Root[]>;
  parents(node: GraphNode): Promise<Iterable<GraphNode>>;
  subjects(node: GraphNode): Promise<readonly GraphNode[]>;
  referrers(node: GraphNode): Promise<readonly GraphNode[]>;
}

export function searchNow(graph: SyncGraph, start: GraphNode, known?: Verdicts): Verdict {
  const search = reverseSearch(start, known);
  let step = search.next();
  while (!step.done) step = search.next(graph[step.value.ask](step.value.node));
  return step.value;
}

export async function searchAsync(graph: AsyncGraph, start: GraphNode, known?: Verdicts): Promise<Verdict> {
  const search = reverseSearch(start, known);
  let step = search.next();
  while (!step.done) step = search.next(await graph[step.value.ask](step.value.node));
  return step.value;
}
