import type { Digest } from "../../model/digest.ts";
import type { MemberGraph } from "./member-graph.ts";

/**
 * Which manifests are live, asked forwards: what the reverse search would find of each of them, for all at once. In a
 * catalog that has the whole graph in hand anyway a single mark is cheaper than many searches.
 */
export class LiveMark {
  readonly #graph: MemberGraph;
  readonly #live: Uint8Array;

  constructor(graph: MemberGraph) {
    this.#graph = graph;
    this.#live = new Uint8Array(graph.members.size);
    this.#flow(graph.rootMembers);
    for (const [repository, digests] of graph.otherRoots.entries()) {
      for (const digest of digests) this.addRoot(repository, digest);
    }
  }

  /** A digest is live of itself, in that repository. */
  addRoot(repository: number, digest: Digest): void {
    const member = this.#graph.find(repository, digest);
    if (member !== undefined) this.#flow([member]);
    // What a tag refers to by its name is kept by what the tag is on, be that a manifest or not.
    else this.#flow(this.#graph.named[repository]?.subjects.get(digest) ?? []);
  }

  member(member: number): boolean {
    return this.#live[member] === 1;
  }

  /** The same of a digest in a repository, which need not be a manifest that is stored there. */
  in(repository: number, digest: Digest): boolean {
    const { roots, named, links, members } = this.#graph;
    const member = this.#graph.find(repository, digest);
    if (member !== undefined) return this.member(member);
    if (roots[repository]?.has(digest)) return true;
    if (named[repository]?.subjects.get(digest)?.some((subject) => this.member(subject))) return true;
    const id = members.memory.digests.find(digest);
    if (id === undefined) return false;
    const { start, end } = members.range(repository);
    return this.#any(links.naming.within(id, start, end)) || this.#any(links.referring.within(id, start, end));
  }

  /** The bytes of a digest, by any repository. */
  bytes(digest: Digest): boolean {
    const { links, members, held } = this.#graph;
    if (held.has(digest)) return true;
    const id = members.memory.digests.find(digest);
    if (id === undefined) return false;
    return [links.being, links.naming, links.referring].some((side) => this.#any(side.all(id)));
  }

  #any(members: Int32Array): boolean {
    return members.some((member) => this.#live[member] === 1);
  }

  #flow(start: Iterable<number>): void {
    const { links, members, named } = this.#graph;
    const { memory } = members;
    const live = this.#live;
    const queue: number[] = [];
    const meet = (member: number) => {
      if (live[member] === 1) return;
      live[member] = 1;
      queue.push(member);
    };
    for (const member of start) meet(member);
    for (let member = queue.pop(); member !== undefined; member = queue.pop()) {
      const repository = members.repository(member);
      const { start: first, end } = members.range(repository);
      const isLost = members.isLost(member);
      const row = members.row(member);
      if (row !== undefined) {
        for (let edge = memory.start(row); edge < memory.end(row); edge++) {
          if (isLost && memory.isSubject(edge)) continue;
          const kept = this.#graph.memberOf(memory.target(edge), first, end);
          if (kept !== undefined) meet(kept);
        }
      }
      if (!isLost) {
        const referring = links.referring.within(members.digestNumber(member), first, end);
        for (let at = 0; at < referring.length; at++) meet(referring[at]!);
      }
      const names = named[repository];
      if (!names || names.subjects.size === 0) continue;
      for (const subject of names.subjects.get(members.digest(member)) ?? []) meet(subject);
      for (const digest of names.referrers(member)) {
        const referrer = this.#graph.find(repository, digest);
        if (referrer !== undefined) meet(referrer);
      }
    }
  }
}
