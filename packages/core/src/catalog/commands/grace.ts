import type { GraphNode, Root } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import { type SyncGraph, searchNow, type Verdicts } from "../../liveness/search.ts";
import type { Digest } from "../../model/digest.ts";
import type { StoreGraph } from "../graph/store-graph.ts";
import type { Context } from "./context.ts";

/**
 * Live, or younger than the grace, or held by something that is. Grace flows as liveness does: what a young manifest names
 * is left alone for as long as the manifest is, and so are its referrers.
 */
export async function keptBy(
  { draft, facts, o }: Context,
  graph: StoreGraph,
  before: Ms | undefined,
): Promise<(node: GraphNode) => boolean> {
  if (before === undefined) return (node) => graph.isLive(node);
  const young = new Set<Digest>();
  for (const { digest } of graph.manifests()) {
    const located = await facts.locate(draft, digest, o);
    if (located && located.since > before) young.add(digest);
  }
  const verdicts: Verdicts = new Map();
  const withGrace: SyncGraph = {
    roots: (node) => {
      const roots = graph.roots(node);
      const grace: Root = { ...node, why: "own", name: "grace" };
      return roots.length > 0 || !young.has(node.digest) ? roots : [grace];
    },
    parents: (node) => graph.parents(node),
    subjects: (node) => graph.subjects(node),
    referrers: (node) => graph.referrers(node),
  };
  return (node) => searchNow(withGrace, node, verdicts).live;
}
