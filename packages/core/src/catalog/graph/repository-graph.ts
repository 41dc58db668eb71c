import type { Root } from "../../contract/catalog.ts";
import type { Digest } from "../../model/digest.ts";
import type { MemberGraph } from "./member-graph.ts";

/** What a graph says of one repository. */
export class RepositoryGraph {
  readonly name: string;
  readonly #graph: MemberGraph;
  readonly #number: number;

  constructor(graph: MemberGraph, name: string, number: number) {
    this.#graph = graph;
    this.name = name;
    this.#number = number;
  }

  /** Tags that are referrer machinery at present. */
  get machinery(): ReadonlySet<string> {
    return this.#graph.machinery[this.#number]!.tags;
  }

  get roots(): ReadonlyMap<Digest, readonly Root[]> {
    return this.#graph.roots[this.#number]!;
  }

  /** The manifests that can be read. */
  readonly records = { has: (digest: Digest): boolean => this.#isMember(digest, true) };
  /** Those that cannot. */
  readonly unreadable = { has: (digest: Digest): boolean => this.#isMember(digest, false) };
  /** Referrer to subjects that are stored manifests. */
  readonly subjects = {
    get: (digest: Digest): readonly Digest[] =>
      this.#graph.subjects(this.#number, digest).map((member) => this.#graph.members.digest(member)),
  };

  #isMember(digest: Digest, isReadable: boolean): boolean {
    const member = this.#graph.find(this.#number, digest);
    return member !== undefined && (this.#graph.members.row(member) !== undefined) === isReadable;
  }
}
