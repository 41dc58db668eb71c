import type { Digest } from "@ocistore/core";
import { INDEX } from "./documents.ts";
import { contentOf, type RepositoryWorld, type World } from "./world.ts";

// What is live, in the plainest way: start with the roots, add what the live keep, and begin again until nothing is added.

export interface RootOf {
  readonly repository: string;
  readonly digest: Digest;
  readonly why: "tag" | "pin" | "claim" | "own";
  readonly name?: string | undefined;
}

export interface Live {
  /** `repository digest` */
  readonly manifests: ReadonlySet<string>;
  readonly bytes: ReadonlySet<Digest>;
}

export const at = (repository: string, digest: Digest) => `${repository} ${digest}`;

/** A tag that makes what it is on a referrer of what it is named after, instead of a root. */
export interface MachineryLink {
  readonly tag: string;
  readonly referrer: Digest;
  readonly subject: Digest;
}

export function machinery(world: World, { members, tags, listed }: RepositoryWorld): MachineryLink[] {
  const links: MachineryLink[] = [];
  // On a layout, what is only pinned or claimed, or only somebody's subject, makes a tag no machinery.
  const stored = new Set<Digest>(world.abilities.explicit ? members.keys() : listed.keys());
  for (const digest of stored) if (members.has(digest)) for (const named of contentOf(world, digest)) stored.add(named);
  for (const [tag, referrer] of tags) {
    const [, hex, suffix] = /^sha256-([0-9a-f]{64})(|\.sig|\.att|\.sbom)$/.exec(tag) ?? [];
    const subject = `sha256:${hex}` as Digest;
    if (
      hex === undefined ||
      subject === referrer ||
      !stored.has(subject) ||
      !members.has(subject) ||
      !members.has(referrer)
    )
      continue;
    const document = world.documents.byDigest.get(referrer)!;
    const isListOfReferrers =
      document.mediaType === INDEX &&
      document.children.every(
        (child) => !members.has(child) || world.documents.byDigest.get(child)?.subject === subject,
      );
    if (suffix !== "" || isListOfReferrers) links.push({ tag, referrer, subject });
  }
  return links;
}

export function rootsOf(world: World): RootOf[] {
  const roots: RootOf[] = [];
  for (const [repository, content] of world.repositories) {
    const isMachinery = new Set(machinery(world, content).map(({ tag }) => tag));
    for (const [name, digest] of content.tags) {
      if (!isMachinery.has(name)) roots.push({ repository, digest, why: "tag", name });
    }
    for (const [name, { digest, until }] of content.pins) {
      if (until === undefined || until > world.now) roots.push({ repository, digest, why: "pin", name });
    }
    for (const [digest, { own }] of content.members) if (own) roots.push({ repository, digest, why: "own" });
  }
  for (const [name, { until, held }] of world.claims) {
    if (until <= world.now) continue;
    for (const [repository, digests] of held) {
      for (const digest of digests) roots.push({ repository, digest, why: "claim", name });
    }
  }
  return roots;
}

/** Subject and referrer, of manifests stored in one repository. */
export function referenceLinks(world: World, content: RepositoryWorld): { referrer: Digest; subject: Digest }[] {
  const links = [...content.members.keys()].flatMap((referrer) => {
    const subject = world.documents.byDigest.get(referrer)?.subject;
    return subject !== undefined && content.members.has(subject) ? [{ referrer, subject }] : [];
  });
  return [...links, ...machinery(world, content)];
}

/** A deletion being thought through. */
export interface Thought {
  /** Manifests of a repository that their subject does not keep, because they are to be deleted. */
  readonly unprotected: ReadonlySet<string>;
  /** The world before it: a tag that goes has made its manifest a referrer up to now, and that holds its subject still. */
  readonly before: World;
}

export function liveOf(world: World, roots: readonly RootOf[] = rootsOf(world), thought?: Thought): Live {
  const manifests = new Set<string>();
  const bytes = new Set<Digest>();
  const links = new Map(
    [...(thought?.before ?? world).repositories].map(([name, content]) => [name, referenceLinks(world, content)]),
  );
  for (const { repository, digest, why } of roots) {
    if (why === "pin" || why === "claim") bytes.add(digest);
    if (world.repositories.get(repository)!.members.has(digest)) manifests.add(at(repository, digest));
  }
  for (let before = -1; before !== manifests.size; ) {
    before = manifests.size;
    for (const [repository, content] of world.repositories) {
      for (const digest of content.members.keys()) {
        if (!manifests.has(at(repository, digest))) continue;
        for (const named of contentOf(world, digest)) {
          if (content.members.has(named)) manifests.add(at(repository, named));
        }
      }
      for (const { referrer, subject } of links.get(repository)!) {
        if (manifests.has(at(repository, referrer))) manifests.add(at(repository, subject));
        if (manifests.has(at(repository, subject)) && !thought?.unprotected.has(at(repository, referrer))) {
          manifests.add(at(repository, referrer));
        }
      }
    }
  }
  for (const [repository, content] of world.repositories) {
    for (const digest of content.members.keys()) {
      if (!manifests.has(at(repository, digest))) continue;
      const subject = world.documents.byDigest.get(digest)?.subject;
      for (const each of [digest, ...contentOf(world, digest), ...(subject ? [subject] : [])]) bytes.add(each);
    }
  }
  return { manifests, bytes };
}
