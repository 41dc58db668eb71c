import { Grouped } from "../../liveness/grouped.ts";
import type { Digest } from "../../model/digest.ts";
import type { Machinery } from "./machinery.ts";
import type { MemberList } from "./member-list.ts";

/** Who names whom, by the number of a digest in the memory. In each list a repository's members stand together. */
export interface Links {
  /** The members that are it. */
  readonly being: Grouped;
  /** Those that name it as content. */
  readonly naming: Grouped;
  /** Those that refer to it, which may be a mere blob, or absent. */
  readonly referring: Grouped;
}

/** What has lost its last reason shares its grace with what it names, and does nothing else: above all it is nobody's
 * referrer any more, or a signature that was deleted would live again through the image that it signs. */
export function linksOf(members: MemberList): Omit<Links, "being"> {
  const { memory } = members;
  const size = memory.digests.size;
  const edges = (isSubject: boolean, add: (digest: number, member: number) => void) => {
    for (let member = 0; member < members.size; member++) {
      const row = members.row(member);
      if (row === undefined || (isSubject && members.isLost(member))) continue;
      for (let edge = memory.start(row); edge < memory.end(row); edge++) {
        if (memory.isSubject(edge) === isSubject) add(memory.target(edge), member);
      }
    }
  };
  return {
    naming: new Grouped(size, (add) => edges(false, add)),
    referring: new Grouped(size, (add) => edges(true, add)),
  };
}

export function beingOf(members: MemberList): Grouped {
  return new Grouped(members.memory.digests.size, (add) => {
    for (let member = 0; member < members.size; member++) add(members.digestNumber(member), member);
  });
}

/** What machinery makes of two digests, read both ways. */
export class Named {
  readonly subjects: Machinery["subjects"];
  readonly #referrers = new Map<number, Digest[]>();

  constructor({ subjects }: Machinery) {
    this.subjects = subjects;
    for (const [referrer, members] of subjects) {
      for (const member of members) {
        const referrers = this.#referrers.get(member);
        if (referrers) referrers.push(referrer);
        else this.#referrers.set(member, [referrer]);
      }
    }
  }

  /** The digests that refer to a member by the names of their tags. */
  referrers(member: number): readonly Digest[] {
    return this.#referrers.get(member) ?? [];
  }
}
