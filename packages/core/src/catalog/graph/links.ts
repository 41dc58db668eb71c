import type { Digest } from "../../model/digest.ts";
import { append } from "./multimap.ts";
import type { ManifestsRead } from "./read-manifests.ts";

/** Who names whom. */
export interface Links {
  /** Content to the manifests that name it. Keys are manifests and blobs, stored or not. */
  readonly parents: Map<Digest, Digest[]>;
  /** Subject to referrers. Keys may be mere blobs, or absent. */
  readonly referrers: Map<Digest, Digest[]>;
  /** Referrer to subjects that are stored manifests. */
  readonly subjects: Map<Digest, Digest[]>;
}

export function linksOf(read: ManifestsRead): Links {
  const links: Links = { parents: new Map(), referrers: new Map(), subjects: new Map() };
  for (const [digest, { edges }] of read.records) {
    for (const { to, kind } of edges) {
      if (kind === "subject") linkReferrer(links, read, digest, to);
      else append(links.parents, to, digest);
    }
  }
  return links;
}

/** Only a manifest keeps its referrers: a layer that is somebody's subject does not. */
export function linkReferrer(
  links: Links,
  { records, unreadable }: ManifestsRead,
  referrer: Digest,
  subject: Digest,
): void {
  append(links.referrers, subject, referrer);
  if (records.has(subject) || unreadable.has(subject)) append(links.subjects, referrer, subject);
}

/** The members of a repository and all that they name as content, at any depth. */
export function storedContent(members: Iterable<Digest>, { records }: ManifestsRead): Set<Digest> {
  const stored = new Set(members);
  // A set is walked in the order of its growth, so what is added is visited too.
  for (const digest of stored) {
    for (const { to, kind } of records.get(digest)?.edges ?? []) {
      if (kind !== "subject") stored.add(to);
    }
  }
  return stored;
}
