import {
  bytesNode,
  type Catalog,
  type Digest,
  type GraphNode,
  type GraphReader,
  isIndexType,
  manifestNode,
  parseMachineryTag,
  type Root,
  referrersTag,
  type SyncGraph,
  searchNow,
  type Verdicts,
} from "@ocistore/core";
import type { Tables } from "./tables.ts";

const SUFFIXES = ["", ".sig", ".att", ".sbom"];

/** The four questions, each one or a few statements: {@link searchNow} asks them inside a transaction. */
export class SqlGraph implements SyncGraph {
  readonly #tables: Tables;
  readonly #verdicts: Verdicts = new Map();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  roots({ repository, digest }: GraphNode): readonly Root[] {
    const { sql } = this.#tables;
    const held = this.#tables.held(digest);
    if (repository === undefined) return held;
    const roots: Root[] = held.filter((root) => root.repository === repository);
    for (const { name } of sql.tagsOn.all(digest, repository) as { name: string }[]) {
      if (this.#namedAfter(repository, name, digest).length === 0) roots.push({ repository, digest, why: "tag", name });
    }
    const member = sql.member.get(repository, digest) as { own: number } | undefined;
    return member?.own ? [...roots, { repository, digest, why: "own" }] : roots;
  }

  parents({ repository, digest }: GraphNode): readonly GraphNode[] {
    const { sql } = this.#tables;
    if (repository !== undefined) return sql.contentParents.all(digest, repository) as GraphNode[];
    return [...(sql.membersOf.all(digest) as GraphNode[]), ...(sql.naming.all(digest) as GraphNode[])];
  }

  subjects({ repository, digest }: GraphNode): readonly GraphNode[] {
    if (repository === undefined) return [];
    const { sql } = this.#tables;
    const tags = sql.tagsOn.all(digest, repository) as { name: string }[];
    const named = tags.flatMap(({ name }) => this.#namedAfter(repository, name, digest));
    return [
      ...(sql.subjects.all(digest, repository) as GraphNode[]),
      ...named.map((to) => manifestNode(repository, to)),
    ];
  }

  referrers({ repository, digest }: GraphNode): readonly GraphNode[] {
    if (repository === undefined) return [];
    const nodes = this.#tables.sql.referrers.all(digest, repository, "") as GraphNode[];
    return [...nodes, ...this.machinery(repository, digest).map(({ to }) => manifestNode(repository, to))];
  }

  isLive(node: GraphNode): boolean {
    return searchNow(this, node, this.#verdicts).live;
  }

  bytesAreLive(digest: Digest): boolean {
    return this.isLive(bytesNode(digest));
  }

  /** The tags that are no names, but find what refers to this manifest. */
  machinery(repository: string, subject: Digest): { readonly name: string; readonly to: Digest }[] {
    const stems = new Set([referrersTag(subject), subject.replace(":", "-")]);
    const names = [...stems].flatMap((stem) => SUFFIXES.map((suffix) => stem + suffix));
    return names.flatMap((name) => {
      const [to] = this.#tables.digests("tag", repository, name);
      return to && this.#namedAfter(repository, name, to).includes(subject) ? [{ name, to }] : [];
    });
  }

  #namedAfter(repository: string, tag: string, to: Digest): Digest[] {
    const parsed = parseMachineryTag(tag);
    if (!parsed) return [];
    const subjects = this.#tables.digests("membersLike", repository, { name: parsed.name.replace("-", ":") });
    return subjects.filter(
      (subject) => subject !== to && (parsed.form === "signature" || this.#listsReferrers(repository, subject, to)),
    );
  }

  #listsReferrers(repository: string, subject: Digest, index: Digest): boolean {
    const record = this.#tables.isMember(repository, index) ? this.#tables.record(index) : undefined;
    if (!record || !isIndexType(record.mediaType)) return false;
    return record.edges.every(({ to, kind }) => {
      const isChild = kind === "manifest" && this.#tables.isMember(repository, to);
      return !isChild || this.#tables.sql.refersTo.get(to, subject) !== undefined;
    });
  }
}

/** Outside of a transaction: every question is of its own moment. */
export function graphReader(tables: () => Tables, catalog: Pick<Catalog, "manifest" | "locate">): GraphReader {
  const now = () => new SqlGraph(tables());
  return {
    roots: async (node) => now().roots(node),
    parents: async (node) => now().parents(node),
    subjects: async (node) => now().subjects(node),
    referrers: async (node) => now().referrers(node),
    manifests: async function* () {
      for (const { repository, digest } of tables().sql.allMembers.all() as { repository: string; digest: Digest }[]) {
        yield { repository, digest, record: tables().record(digest)! };
      }
    },
    allRoots: async function* () {
      const { sql } = tables();
      const nodes = [...sql.allMembers.all(), ...sql.allTags.all(), ...tables().held(null)] as GraphNode[];
      const met = new Set<string>();
      for (const { repository, digest } of nodes) {
        const key = `${repository} ${digest}`;
        if (!met.has(key)) yield* now().roots({ repository, digest });
        met.add(key);
      }
    },
    unreadable: async function* () {},
    manifest: (repository, digest, o) => catalog.manifest(repository, digest, o),
    locate: (repository, digest, o) => catalog.locate(repository, digest, o),
  };
}
