import {
  bytesNode,
  type Digest,
  type GraphNode,
  isIndexType,
  type Ms,
  manifestNode,
  parseMachineryTag,
  type Root,
  referrersTag,
  type SyncGraph,
  searchNow,
  type Verdicts,
} from "@ocistore/core";
import { range } from "../digests.ts";
import type { Tables } from "../tables/tables.ts";

export interface GraphOptions {
  /** As if every session had ended. */
  readonly unclaimed?: boolean | undefined;
  /** A manifest that arrived, or lost its last reason, later than this counts as a root: grace flows as liveness does. */
  readonly youngAfter?: Ms | undefined;
}

/** The tags by which others find what refers to a digest, without their suffix. */
const SUFFIXES = ["", ".sig", ".att", ".sbom"];

/**
 * The content graph as it is in the tables: each question is a few steps along an index. {@link searchNow} asks them in the
 * middle of a transaction, so that what is decided there is decided by what is there.
 */
export class TablesGraph implements SyncGraph {
  readonly #tables: Tables;
  readonly #o: GraphOptions;
  readonly #verdicts: Verdicts = new Map();

  constructor(tables: Tables, o: GraphOptions = {}) {
    this.#tables = tables;
    this.#o = o;
  }

  roots({ repository, digest }: GraphNode): readonly Root[] {
    const tables = this.#tables;
    const held = this.#held(digest);
    if (repository === undefined) return held;
    const roots = held.filter((root) => root.repository === repository);
    for (const name of tables.tagsOn(repository, digest)) {
      if (this.namedAfter(repository, name, digest).length === 0) roots.push({ repository, digest, why: "tag", name });
    }
    const member = tables.member(repository, digest);
    if (member?.own) roots.push({ repository, digest, why: "own" });
    else if (member && roots.length === 0 && this.#isYoung(digest)) {
      roots.push({ repository, digest, why: "own", name: "grace" });
    }
    return roots;
  }

  *parents({ repository, digest }: GraphNode): Generator<GraphNode> {
    const tables = this.#tables;
    if (repository !== undefined) {
      for (const parent of tables.contentParents(repository, digest)) yield manifestNode(repository, parent);
      return;
    }
    const id = tables.id(digest);
    if (id === undefined) return;
    for (const row of tables.sql.membersOf.all(id) as { repository: number }[]) {
      yield manifestNode(tables.repositoryName(row.repository), digest);
    }
    for (const row of tables.naming(id)) {
      yield manifestNode(tables.repositoryName(row.repository), tables.digest(row.id));
    }
  }

  subjects({ repository, digest }: GraphNode): readonly GraphNode[] {
    if (repository === undefined) return [];
    const tables = this.#tables;
    const named = tables.tagsOn(repository, digest).flatMap((name) => this.namedAfter(repository, name, digest));
    return [...tables.subjects(repository, digest), ...named].map((subject) => manifestNode(repository, subject));
  }

  referrers({ repository, digest }: GraphNode): readonly GraphNode[] {
    if (repository === undefined) return [];
    const referring = this.#tables.referrers(repository, digest);
    const named = this.machinery(repository, digest).map(({ to }) => to);
    return [...referring, ...named].map((referrer) => manifestNode(repository, referrer));
  }

  isLive(node: GraphNode): boolean {
    return searchNow(this, node, this.#verdicts).live;
  }

  bytesAreLive(digest: Digest): boolean {
    return this.isLive(bytesNode(digest));
  }

  /** The tags that are no names, but find what refers to this manifest; with what each is on. */
  machinery(repository: string, subject: Digest): { readonly name: string; readonly to: Digest }[] {
    const stems = new Set([referrersTag(subject), subject.replace(":", "-")]);
    const names = [...stems].flatMap((stem) => SUFFIXES.map((suffix) => stem + suffix));
    return names.flatMap((name) => {
      const to = this.#tables.tag(repository, name);
      return to && this.namedAfter(repository, name, to).includes(subject) ? [{ name, to }] : [];
    });
  }

  /** The manifests that a tag refers to by its name; then it is no root. A tag of that form names a digest, or the half of one. */
  namedAfter(repository: string, tag: string, to: Digest): Digest[] {
    const parsed = parseMachineryTag(tag);
    if (!parsed) return [];
    const tables = this.#tables;
    const between = range(parsed.name.replace("-", ":"));
    const subjects = tables.digests(tables.sql.digestsBetween.all(...between));
    return subjects.filter(
      (subject) =>
        subject !== to &&
        tables.member(repository, subject) !== undefined &&
        (parsed.form === "signature" || this.#listsReferrers(repository, subject, to)),
    );
  }

  /** Somebody may have put such a name on an index of something else; that is a tag like any other. */
  #listsReferrers(repository: string, subject: Digest, index: Digest): boolean {
    const tables = this.#tables;
    const record = tables.record(repository, index);
    if (!record || !isIndexType(record.mediaType)) return false;
    return record.edges.every(({ to, kind }) => {
      const isChild = kind === "manifest" && tables.member(repository, to) !== undefined;
      return !isChild || tables.sql.refersTo.get(tables.id(to), tables.id(subject)) !== undefined;
    });
  }

  #held(digest: Digest): Root[] {
    const tables = this.#tables;
    const { sql, now } = tables;
    const id = tables.id(digest);
    if (id === undefined) return [];
    const pins = sql.pinsOn.all(id, now) as { repository: number; name: string }[];
    const claims = this.#o.unclaimed ? [] : (sql.claimsOn.all(id, now) as { repository: number; name: string }[]);
    const rootOf = (why: "pin" | "claim") => (row: { repository: number; name: string }) => {
      return { repository: tables.repositoryName(row.repository), digest, why, name: row.name };
    };
    return [...pins.map(rootOf("pin")), ...claims.map(rootOf("claim"))];
  }

  #isYoung(digest: Digest): boolean {
    const { youngAfter } = this.#o;
    return youngAfter !== undefined && (this.#tables.blob(digest)?.since ?? 0) > youngAfter;
  }
}
