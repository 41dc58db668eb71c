import type { GraphNode, ManifestRecord, Root, Unreadable } from "../../contract/catalog.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { SyncGraph } from "../../liveness/search.ts";
import type { Digest } from "../../model/digest.ts";
import { LiveMark } from "./live-mark.ts";
import type { MemberGraph } from "./member-graph.ts";
import { RepositoryGraph } from "./repository-graph.ts";

/** The graph of all repositories at one moment: what the rule of liveness is asked of inside a critical section. */
export class StoreGraph implements SyncGraph {
  readonly #graph: MemberGraph;
  #live: LiveMark | undefined;

  constructor(graph: MemberGraph) {
    this.#graph = graph;
  }

  roots(node: GraphNode): readonly Root[] {
    // Of themselves bytes live by a pin or a claim; tags and the own mark are the manifest's.
    if (node.repository === undefined) return this.#graph.held.get(node.digest) ?? [];
    return this.#roots(node.repository)?.get(node.digest) ?? [];
  }

  parents({ repository, digest }: GraphNode): readonly GraphNode[] {
    const { links, members } = this.#graph;
    const id = members.memory.digests.find(digest);
    if (id === undefined) return [];
    if (repository === undefined) {
      return [links.being, links.naming, links.referring].flatMap((side) => this.#nodes(side.all(id)));
    }
    const range = this.#range(repository);
    return range ? this.#nodes(links.naming.within(id, range.start, range.end)) : [];
  }

  subjects({ repository, digest }: GraphNode): readonly GraphNode[] {
    const number = repository === undefined ? undefined : this.#graph.members.numberOf(repository);
    return number === undefined ? [] : this.#nodes(this.#graph.subjects(number, digest));
  }

  referrers({ repository, digest }: GraphNode): readonly GraphNode[] {
    if (repository === undefined) return [];
    const { links, members, named } = this.#graph;
    const number = members.numberOf(repository);
    const id = members.memory.digests.find(digest);
    if (number === undefined || id === undefined) return [];
    const { start, end } = members.range(number);
    const referrers = new Set([...links.referring.within(id, start, end)].map((each) => members.digest(each)));
    const member = this.#graph.find(number, digest);
    if (member !== undefined) for (const each of named[number]!.referrers(member)) referrers.add(each);
    return [...referrers].map((each) => manifestNode(repository, each));
  }

  /** Those of the referrers that say so themselves, and as what. */
  referring(
    repository: string,
    subject: Digest,
  ): { readonly digest: Digest; readonly mediaType: string; readonly artifactType: string | undefined }[] {
    const { links, members } = this.#graph;
    const id = members.memory.digests.find(subject);
    const range = this.#range(repository);
    if (id === undefined || !range) return [];
    return [...links.referring.within(id, range.start, range.end)].map((member) => {
      const row = members.row(member)!;
      const { memory } = members;
      return {
        digest: members.digest(member),
        mediaType: memory.mediaType(row),
        artifactType: memory.artifactType(row),
      };
    });
  }

  isLive(node: GraphNode): boolean {
    return this.#isLive(this.#mark(), node);
  }

  bytesAreLive(digest: Digest): boolean {
    return this.#mark().bytes(digest);
  }

  /** Whether a node would be live if these manifests were roots as well. */
  liveWith(more: Iterable<GraphNode>): (node: GraphNode) => boolean {
    const mark = new LiveMark(this.#graph);
    const digests = new Set<Digest>();
    for (const { repository, digest } of more) {
      const number = repository === undefined ? undefined : this.#graph.members.numberOf(repository);
      if (number !== undefined) mark.addRoot(number, digest);
      digests.add(digest);
    }
    return (node) => digests.has(node.digest) || this.#isLive(mark, node);
  }

  repository(name: string): RepositoryGraph | undefined {
    const number = this.#graph.members.numberOf(name);
    return number === undefined ? undefined : new RepositoryGraph(this.#graph, name, number);
  }

  *unreadable(): Generator<Unreadable> {
    const { members } = this.#graph;
    for (const [member, error] of members.errors) {
      yield { repository: members.repositoryName(member), digest: members.digest(member), error };
    }
  }

  /** Manifests that are live and may name anything. While there is one, no bytes of the store may go. */
  liveUnreadable(): Unreadable[] {
    return [...this.unreadable()].filter((node) => this.isLive(node));
  }

  /** Every manifest that can be read. */
  *manifests(): Generator<GraphNode & { repository: string; read: () => ManifestRecord }> {
    const { members } = this.#graph;
    for (let member = 0; member < members.size; member++) {
      if (members.row(member) === undefined) continue;
      const read = () => members.record(member)!;
      yield { repository: members.repositoryName(member), digest: members.digest(member), read };
    }
  }

  *allRoots(): Generator<Root> {
    for (const roots of this.#graph.roots) for (const each of roots.values()) yield* each;
  }

  #mark(): LiveMark {
    this.#live ??= new LiveMark(this.#graph);
    return this.#live;
  }

  #isLive(mark: LiveMark, { repository, digest }: GraphNode): boolean {
    if (repository === undefined) return mark.bytes(digest);
    const number = this.#graph.members.numberOf(repository);
    return number !== undefined && mark.in(number, digest);
  }

  #roots(repository: string): Map<Digest, Root[]> | undefined {
    return this.#graph.roots[this.#graph.members.numberOf(repository) ?? -1];
  }

  #range(repository: string): { readonly start: number; readonly end: number } | undefined {
    const number = this.#graph.members.numberOf(repository);
    return number === undefined ? undefined : this.#graph.members.range(number);
  }

  #nodes(members: Iterable<number>): GraphNode[] {
    const nodes: GraphNode[] = [];
    for (const member of members) {
      nodes.push(manifestNode(this.#graph.members.repositoryName(member), this.#graph.members.digest(member)));
    }
    return nodes;
  }
}
