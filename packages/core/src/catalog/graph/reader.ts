import type { GraphReader } from "../../contract/catalog.ts";
import { type Context, locatedIn, manifestIn } from "../commands/context.ts";
import type { StoreGraph } from "./store-graph.ts";

/** A graph in memory, and the document that it was read off, as the contract wants them. */
export function graphReader(graph: StoreGraph, ctx: Context): GraphReader {
  return {
    roots: async (node) => graph.roots(node),
    parents: async (node) => graph.parents(node),
    subjects: async (node) => graph.subjects(node),
    referrers: async (node) => graph.referrers(node),
    manifests: async function* () {
      const { draft, facts, o } = ctx;
      for (const { repository, digest, read } of graph.manifests()) {
        // What is declared missing in one repository may be needed in another: the memory does not tell them apart.
        const isSparse = draft.repository(repository).manifests.get(digest)?.absent !== undefined;
        const record = isSparse ? await facts.record(draft, repository, digest, o) : read();
        if (record) yield { repository, digest, record };
      }
    },
    allRoots: async function* () {
      yield* graph.allRoots();
    },
    unreadable: async function* () {
      yield* graph.unreadable();
    },
    manifest: (repository, digest, o = {}) => manifestIn(ctx, repository, digest, o),
    locate: (repository, digest) => locatedIn(ctx, repository, digest),
  };
}
