import type { GraphReader } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { isDamage } from "../errors.ts";
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

/**
 * For an answer that would be wrong if a manifest were left out of it that only could not be read this time. A damaged one
 * is left out: who looks again finds it no better.
 *
 * @throws why it could not be read.
 */
export async function mustBeReadable(graph: GraphReader, o: Signal & { readonly repository: string }): Promise<void> {
  for await (const { repository, error } of graph.unreadable(o)) {
    if (repository === o.repository && !isDamage(error)) throw error;
  }
}
