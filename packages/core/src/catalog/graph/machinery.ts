import type { Digest } from "../../model/digest.ts";
import { isIndexType } from "../../model/media-types.ts";
import { parseMachineryTag, referrersTag } from "../../model/referrers-tag.ts";
import { type Links, linkReferrer } from "./links.ts";
import { append } from "./multimap.ts";
import type { ManifestsRead } from "./read-manifests.ts";

/**
 * A tag of the referrers tag schema, or one of cosign's, is no root while what it is named after is stored: what it points
 * to counts as a referrer of that, and lives and goes with it.
 *
 * Adds those references to the links, and returns the tags.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export function linkMachinery(
  tags: Iterable<readonly [string, Digest]>,
  stored: () => ReadonlySet<Digest>,
  read: ManifestsRead,
  links: Links,
): ReadonlySet<string> {
  const candidates = [...tags].flatMap(([tag, to]) => {
    const parsed = parseMachineryTag(tag);
    return parsed ? [{ tag, to, ...parsed }] : [];
  });
  const machinery = new Set<string>();
  if (candidates.length === 0) return machinery;

  const subjects = new Map<string, Digest[]>();
  for (const digest of stored()) {
    if (!read.records.has(digest) && !read.unreadable.has(digest)) continue;
    for (const name of new Set([referrersTag(digest), digest.replace(":", "-")])) append(subjects, name, digest);
  }
  for (const { tag, to, name, form } of candidates) {
    for (const subject of subjects.get(name) ?? []) {
      if (subject === to || (form === "referrers" && !listsReferrersOf(subject, to, read))) continue;
      machinery.add(tag);
      linkReferrer(links, read, to, subject);
    }
  }
  return machinery;
}

/** Somebody may have put such a name on an index of something else; that is a tag like any other. */
function listsReferrersOf(subject: Digest, index: Digest, { records }: ManifestsRead): boolean {
  const record = records.get(index);
  if (!record || !isIndexType(record.mediaType)) return false;
  return record.edges.every(({ to, kind }) => {
    const child = kind === "manifest" ? records.get(to) : undefined;
    return !child || child.edges.some((edge) => edge.kind === "subject" && edge.to === subject);
  });
}
