import type { GraphNode, ManifestRecord, Root, Unreadable } from "../../contract/catalog.ts";
import type { Ms, Signal } from "../../contract/environment.ts";
import { bytesNode, manifestNode } from "../../liveness/node.ts";
import { type SyncGraph, searchNow, type Verdicts } from "../../liveness/search.ts";
import type { Digest } from "../../model/digest.ts";
import type { Draft } from "../draft.ts";
import type { CellFacts } from "../facts.ts";
import { buildRepositoryGraph, manifestView, type RepositoryGraph } from "./repository-graph.ts";

/** The graph of all repositories at one moment: what the rule of liveness is asked of inside a critical section. */
export class StoreGraph implements SyncGraph {
  readonly #graphs: ReadonlyMap<string, RepositoryGraph>;
  readonly #views: ReadonlyMap<string, SyncGraph>;
  readonly #verdicts: Verdicts = new Map();

  constructor(graphs: ReadonlyMap<string, RepositoryGraph>) {
    this.#graphs = graphs;
    this.#views = new Map([...graphs].map(([name, graph]) => [name, manifestView(graph)]));
  }

  roots(node: GraphNode): readonly Root[] {
    if (node.repository !== undefined) return this.#views.get(node.repository)?.roots(node) ?? [];
    // Of themselves bytes live by a pin or a claim; tags and the own mark are the manifest's.
    return [...this.#graphs.values()].flatMap(({ roots }) =>
      (roots.get(node.digest) ?? []).filter(({ why }) => why === "pin" || why === "claim"),
    );
  }

  parents(node: GraphNode): readonly GraphNode[] {
    const { repository, digest } = node;
    if (repository !== undefined) return this.#views.get(repository)?.parents(node) ?? [];
    const nodes: GraphNode[] = [];
    for (const [name, graph] of this.#graphs) {
      if (graph.records.has(digest) || graph.unreadable.has(digest)) nodes.push(manifestNode(name, digest));
      for (const from of graph.parents.get(digest) ?? []) nodes.push(manifestNode(name, from));
      for (const from of graph.referrers.get(digest) ?? []) nodes.push(manifestNode(name, from));
    }
    return nodes;
  }

  subjects(node: GraphNode): readonly GraphNode[] {
    return node.repository === undefined ? [] : (this.#views.get(node.repository)?.subjects(node) ?? []);
  }

  referrers(node: GraphNode): readonly GraphNode[] {
    return node.repository === undefined ? [] : (this.#views.get(node.repository)?.referrers(node) ?? []);
  }

  isLive(node: GraphNode): boolean {
    return searchNow(this, node, this.#verdicts).live;
  }

  bytesAreLive(digest: Digest): boolean {
    return this.isLive(bytesNode(digest));
  }

  repository(name: string): RepositoryGraph | undefined {
    return this.#graphs.get(name);
  }

  unreadable(): Unreadable[] {
    return [...this.#graphs].flatMap(([repository, { unreadable }]) =>
      [...unreadable].map(([digest, error]) => ({ repository, digest, error })),
    );
  }

  /** Manifests that are live and may name anything. While there is one, no bytes of the store may go. */
  liveUnreadable(): Unreadable[] {
    return this.unreadable().filter((node) => this.isLive(node));
  }

  *manifests(): Generator<GraphNode & { record: ManifestRecord }> {
    for (const [repository, { records }] of this.#graphs) {
      for (const [digest, record] of records) yield { repository, digest, record };
    }
  }

  *allRoots(): Generator<Root> {
    for (const { roots } of this.#graphs.values()) {
      for (const each of roots.values()) yield* each;
    }
  }
}

export async function buildStoreGraph(draft: Draft, facts: CellFacts, now: Ms, o: Signal = {}): Promise<StoreGraph> {
  const names = draft.repositoryNames();
  for (const { held } of draft.claims.values()) {
    for (const name of held.keys()) names.add(name);
  }
  const graphs = new Map<string, RepositoryGraph>();
  for (const name of names) graphs.set(name, await buildRepositoryGraph(draft, name, facts, now, o));
  return new StoreGraph(graphs);
}
