import type { Root } from "../../contract/catalog.ts";
import type { Grouped } from "../../liveness/grouped.ts";
import { IntList } from "../../liveness/int-list.ts";
import type { Digest } from "../../model/digest.ts";
import { beingOf, type Links, linksOf, Named } from "./links.ts";
import { LiveMark } from "./live-mark.ts";
import { type Machinery, machineryOf } from "./machinery.ts";
import type { MemberList } from "./member-list.ts";

/** What the document says of a repository: what it lists, its tags, and its roots but for tags. */
export interface Listing {
  readonly name: string;
  readonly listed: () => Iterable<Digest>;
  readonly tags: Iterable<readonly [string, Digest]>;
  readonly held: readonly Root[];
  readonly own: Iterable<Digest>;
  /** Listed without a tag, and whether they are roots is read off the listing: in its order. */
  readonly unsettled: readonly Digest[];
}

/** Members, who names whom among them, and the roots: a store in numbers, for as long as nothing changes. */
export class MemberGraph {
  readonly members: MemberList;
  readonly links: Links;
  /** By repository. */
  readonly roots: readonly Map<Digest, Root[]>[];
  /** The members among them. */
  readonly rootMembers = new IntList();
  /** By repository: those that are no members. */
  readonly otherRoots: readonly Set<Digest>[];
  readonly machinery: readonly Machinery[];
  readonly named: readonly Named[];
  /** Pins and claims of any repository: by these mere bytes live too. */
  readonly held = new Map<Digest, Root[]>();
  readonly #being: Grouped;

  constructor(members: MemberList, listings: readonly Listing[]) {
    this.members = members;
    this.#being = beingOf(members);
    this.machinery = listings.map(({ tags, listed }, repository) =>
      machineryOf(tags, listed, members, (digest) => this.find(repository, digest)),
    );
    this.links = { being: this.#being, ...linksOf(members) };
    this.named = this.machinery.map((each) => new Named(each));
    this.roots = listings.map(() => new Map());
    this.otherRoots = listings.map(() => new Set());
    for (const [repository, listing] of listings.entries()) this.#addRoots(repository, listing);
    this.#settle(listings);
  }

  /** The member that a digest is in a repository. */
  find(repository: number, digest: Digest): number | undefined {
    const id = this.members.memory.digests.find(digest);
    const { start, end } = this.members.range(repository);
    return id === undefined ? undefined : this.memberOf(id, start, end);
  }

  /** The same by the number of the digest, among members from `start` to `end`. */
  memberOf(id: number, start: number, end: number): number | undefined {
    return this.#being.first(id, start, end);
  }

  /** The stored members that a digest refers to in a repository. */
  subjects(repository: number, digest: Digest): number[] {
    const { memory } = this.members;
    const subjects = new Set<number>();
    const member = this.find(repository, digest);
    const row = member === undefined || this.members.isLost(member) ? undefined : this.members.row(member);
    if (row !== undefined) {
      const { start, end } = this.members.range(repository);
      for (let edge = memory.start(row); edge < memory.end(row); edge++) {
        const subject = memory.isSubject(edge) ? this.memberOf(memory.target(edge), start, end) : undefined;
        if (subject !== undefined && !this.members.isLost(subject)) subjects.add(subject);
      }
    }
    for (const subject of this.named[repository]?.subjects.get(digest) ?? []) subjects.add(subject);
    return [...subjects];
  }

  #addRoots(repository: number, { name, tags, held, own }: Listing): void {
    const add = (root: Root) => this.#addRoot(repository, root);
    for (const root of held) {
      add(root);
      const all = this.held.get(root.digest);
      if (all) all.push(root);
      else this.held.set(root.digest, [root]);
    }
    const { tags: machinery } = this.machinery[repository]!;
    for (const [tag, digest] of tags) {
      if (!machinery.has(tag)) add({ repository: name, digest, why: "tag", name: tag });
    }
    for (const digest of own) add({ repository: name, digest, why: "own" });
  }

  #addRoot(repository: number, root: Root): void {
    const roots = this.roots[repository]!;
    const known = roots.get(root.digest);
    if (known) {
      known.push(root);
      return;
    }
    roots.set(root.digest, [root]);
    const member = this.find(repository, root.digest);
    if (member === undefined) this.otherRoots[repository]!.add(root.digest);
    else this.rootMembers.push(member);
  }

  /**
   * Which untagged entries of a plain layout are roots of their own. There being listed is the only record of `own`, and
   * other tools list every manifest, so it is read off what the entries explain of each other:
   *
   * 1. an entry that no stored manifest names as content, and whose subject is not stored, is a root;
   * 2. any other is explained by what names it or what it refers to, unless that is not live without it (a referrer of what
   *    only this referrer keeps): then it is a root too. Nothing that is listed is ever garbage.
   */
  #settle(listings: readonly Listing[]): void {
    for (const [repository, { name, unsettled }] of listings.entries()) {
      if (unsettled.length === 0) continue;
      const { start, end } = this.members.range(repository);
      const explained: Digest[] = [];
      for (const digest of unsettled) {
        const id = this.members.memory.digests.find(digest);
        const isNamed = id !== undefined && this.links.naming.has(id, start, end);
        if (isNamed || this.subjects(repository, digest).length > 0) explained.push(digest);
        else this.#addRoot(repository, { repository: name, digest, why: "own" });
      }
      const mark = explained.length > 0 ? new LiveMark(this) : undefined;
      for (const digest of explained) {
        if (mark?.in(repository, digest)) continue;
        this.#addRoot(repository, { repository: name, digest, why: "own" });
        mark?.addRoot(repository, digest);
      }
    }
  }
}
