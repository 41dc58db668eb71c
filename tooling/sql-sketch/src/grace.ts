import { type Digest, type GraphNode, type Ms, searchNow } from "@ocistore/core";
import { SqlGraph } from "./graph.ts";
import type { Tables } from "./tables.ts";

/** Live, or a manifest younger than the grace, or held by something that is. */
export function keptBy(tables: Tables, before: Ms | undefined): (node: GraphNode) => boolean {
  const isYoung = (digest: Digest) => before !== undefined && (tables.blob(digest)?.since ?? 0) > before;
  return (node) => {
    // Of its own moment: condemning a manifest takes it out of the graph that the next item is judged by.
    const graph = new SqlGraph(tables);
    const roots: SqlGraph["roots"] = (each) => {
      const found = graph.roots(each);
      const isManifest = each.repository !== undefined && tables.isMember(each.repository, each.digest);
      return found.length === 0 && isManifest && isYoung(each.digest)
        ? [{ ...each, why: "own", name: "grace" }]
        : found;
    };
    const { parents, subjects, referrers } = graph;
    const bound = { parents: parents.bind(graph), subjects: subjects.bind(graph), referrers: referrers.bind(graph) };
    return searchNow({ roots, ...bound }, node).live;
  };
}
