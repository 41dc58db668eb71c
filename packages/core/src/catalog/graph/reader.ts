import type { GraphReader } from "../../contract/catalog.ts";
import type { StoreGraph } from "./store-graph.ts";

/** A graph in memory as the contract wants it. */
export function graphReader(graph: StoreGraph): GraphReader {
  return {
    roots: async (node) => graph.roots(node),
    parents: async (node) => graph.parents(node),
    subjects: async (node) => graph.subjects(node),
    referrers: async (node) => graph.referrers(node),
    manifests: async function* () {
      yield* graph.manifests();
    },
    allRoots: async function* () {
      yield* graph.allRoots();
    },
    unreadable: async function* () {
      yield* graph.unreadable();
    },
  };
}
