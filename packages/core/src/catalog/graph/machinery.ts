import type { Digest } from "../../model/digest.ts";
import { isIndexType } from "../../model/media-types.ts";
import { parseMachineryTag, referrersTag } from "../../model/referrers-tag.ts";
import type { MemberList } from "./member-list.ts";
import { append } from "./multimap.ts";

/** What tags of a repository refer to by their names. */
export interface Machinery {
  readonly tags: ReadonlySet<string>;
  /** By the digest that such a tag is on, which need not be a manifest: the members that it refers to. */
  readonly subjects: ReadonlyMap<Digest, readonly number[]>;
}

const NO_MACHINERY: Machinery = { tags: new Set(), subjects: new Map() };

/**
 * A tag of the referrers tag schema, or one of cosign's, is no root while what it is named after is stored: what it points
 * to counts as a referrer of that, and lives and goes with it.
 *
 * @param listed The manifests that the document lists; what they lead to as content is stored with them.
 * @param find The member that a digest is.
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export function machineryOf(
  tags: Iterable<readonly [string, Digest]>,
  listed: () => Iterable<Digest>,
  members: MemberList,
  find: (digest: Digest) => number | undefined,
): Machinery {
  const candidates = [...tags].flatMap(([tag, to]) => {
    const parsed = parseMachineryTag(tag);
    return parsed ? [{ tag, to, ...parsed }] : [];
  });
  if (candidates.length === 0) return NO_MACHINERY;

  const named = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (const member of storedContent(listed(), members, find)) {
    const digest = members.digest(member);
    for (const name of new Set([referrersTag(digest), digest.replace(":", "-")])) named.get(name)?.push(member);
  }
  const machinery = new Set<string>();
  const subjects = new Map<Digest, number[]>();
  for (const { tag, to, name, form } of candidates) {
    for (const subject of named.get(name) ?? []) {
      if (members.digest(subject) === to) continue;
      if (form === "referrers" && !listsReferrersOf(subject, find(to), members, find)) continue;
      machinery.add(tag);
      append(subjects, to, subject);
    }
  }
  return { tags: machinery, subjects };
}

/** The members that are listed, or that such a one names as content, at any depth. */
function storedContent(
  listed: Iterable<Digest>,
  members: MemberList,
  find: (digest: Digest) => number | undefined,
): Set<number> {
  const stored = new Set<number>();
  const add = (digest: Digest) => {
    const member = find(digest);
    if (member !== undefined) stored.add(member);
  };
  for (const digest of listed) add(digest);
  const { memory } = members;
  // A set is walked in the order of its growth, so what is added is visited too.
  for (const member of stored) {
    const row = members.row(member);
    if (row === undefined) continue;
    for (let edge = memory.start(row); edge < memory.end(row); edge++) {
      if (!memory.isSubject(edge)) add(memory.digests.digest(memory.target(edge)));
    }
  }
  return stored;
}

/** Somebody may have put such a name on an index of something else; that is a tag like any other. */
function listsReferrersOf(
  subject: number,
  index: number | undefined,
  members: MemberList,
  find: (digest: Digest) => number | undefined,
): boolean {
  const { memory } = members;
  const row = index === undefined ? undefined : members.row(index);
  if (row === undefined || !isIndexType(memory.mediaType(row))) return false;
  for (let edge = memory.start(row); edge < memory.end(row); edge++) {
    const { kind, to } = memory.edge(edge);
    const child = kind === "manifest" ? find(to) : undefined;
    const childRow = child === undefined ? undefined : members.row(child);
    if (childRow !== undefined && !refersTo(childRow, subject, members)) return false;
  }
  return true;
}

function refersTo(row: number, subject: number, members: MemberList): boolean {
  const { memory } = members;
  for (let edge = memory.start(row); edge < memory.end(row); edge++) {
    if (memory.isSubject(edge) && memory.target(edge) === members.digestNumber(subject)) return true;
  }
  return false;
}
