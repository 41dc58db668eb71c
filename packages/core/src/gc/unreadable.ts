import type { GraphReader } from "../contract/catalog.ts";
import { type AsyncGraph, searchAsync } from "../liveness/search.ts";
import { describeNode } from "./describe.ts";

/** The live manifests that cannot be read. While there is one, nobody knows what it names, and no bytes may go. */
export async function liveUnreadable(graph: GraphReader, view: AsyncGraph): Promise<string[]> {
  const names: string[] = [];
  for await (const node of graph.unreadable()) {
    const { live } = await searchAsync(view, node);
    if (live) names.push(`${describeNode(node)}, which cannot be read`);
  }
  return names;
}
