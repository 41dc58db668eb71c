import type { GraphNode } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
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
  const young: GraphNode[] = [];
  for (const { repository, digest } of graph.manifests()) {
    const located = await facts.locate(draft, digest, o);
    if (located && located.since > before) young.push({ repository, digest });
  }
  return graph.liveWith(young);
}
