import type { Digest } from "@ocistore/core";
import { at, liveOf, referenceLinks, rootsOf } from "./oracle.ts";
import { contentOf, copyOf, isWhole, type RepositoryWorld, touch, type World } from "./world.ts";

// A plain layout writes down less: which manifests are listed, and what has lost its last reason. What is stored there, and
// what is a root of its own, follows from that (docs/layout.md), and is worked out here in the plainest way. All of it is
// for a world of one repository, whose name is empty.

export const here = (world: World): RepositoryWorld => world.repositories.get("")!;

/**
 * Stored is what is listed, pinned or claimed, what that names as a child or a subject, at any depth, and whose bytes are
 * there. An untagged entry is `own` exactly if nothing explains it, or what does is not live without it.
 */
export function readListing(world: World): void {
  if (world.abilities.explicit) return;
  const { members, listed, tags, pins } = here(world);
  members.clear();
  const start = [...listed.keys()];
  for (const { digest, until } of pins.values()) if (until === undefined || until > world.now) start.push(digest);
  for (const { until, held } of world.claims.values()) if (until > world.now) start.push(...(held.get("") ?? []));
  for (const digest of reached(world, start)) {
    members.set(digest, { own: listed.get(digest)?.own ?? false, absent: world.absent.get(digest) ?? new Set() });
  }

  const tagged = new Set(tags.values());
  const unsettled = [...listed].flatMap(([digest, { own }]) =>
    own === undefined && !tagged.has(digest) ? digest : [],
  );
  const explained = unsettled.filter((digest) => {
    const isNamed = [...members.keys()].some((each) => contentOf(world, each).includes(digest));
    return isNamed || referenceLinks(world, here(world)).some(({ referrer }) => referrer === digest);
  });
  for (const digest of unsettled) if (!explained.includes(digest)) members.get(digest)!.own = true;
  for (const digest of explained) {
    if (!liveOf(world).manifests.has(at("", digest))) members.get(digest)!.own = true;
  }
}

/** Manifests at any depth, themselves included, as children or as subjects. */
function reached(world: World, start: Iterable<Digest>): Set<Digest> {
  const found = new Set<Digest>();
  const queue = [...start];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const document = world.documents.byDigest.get(next);
    if (!document || !world.bytes.has(next) || found.has(next)) continue;
    found.add(next);
    queue.push(...document.children, ...(document.subject ? [document.subject] : []));
  }
  return found;
}

/** What is stored, and what has lost its last reason, with all that it leads to: garbage that is still remembered. */
export function remembered(world: World): Set<Digest> {
  return new Set([...here(world).members.keys(), ...reached(world, world.lost)]);
}

/**
 * It may get one more reason to live: nothing that it needs is missing, or it is live as it is, being sparse. A claim and a
 * subject may be anything, and do not say so.
 */
export function mayLive(world: World, digest: Digest): boolean {
  if (isWhole(world, "", digest)) return true;
  const unclaimed = copyOf(world);
  unclaimed.claims.clear();
  readListing(unclaimed);
  const { members } = here(unclaimed);
  const links = referenceLinks(unclaimed, here(unclaimed));
  const live = new Set(rootsOf(unclaimed).map((root) => root.digest));
  for (const each of live) {
    if (!members.has(each)) continue;
    for (const named of contentOf(world, each)) live.add(named);
    for (const { referrer, subject } of links) if (subject === each) live.add(referrer);
  }
  return live.has(digest);
}

export function lose(world: World, digest: Digest): void {
  touch(world, digest);
  if (!world.abilities.explicit) world.lost.add(digest);
}

/**
 * A change of tags, pins or members: what each entry is is written down before it, and what has lost its explanation goes
 * with it.
 */
export function changing(
  world: World,
  { takesAway, gives }: { readonly takesAway: boolean; readonly gives: boolean },
  work: () => void,
): void {
  if (world.abilities.explicit) {
    work();
    return;
  }
  const { members, listed, tags } = here(world);
  readListing(world);
  const wasTagged = new Set(tags.values());
  const was = new Map<Digest, boolean | undefined>();
  if (takesAway) {
    for (const [digest, entry] of listed) {
      if (!wasTagged.has(digest)) was.set(digest, entry.own);
      entry.own = members.get(digest)!.own;
    }
  }
  work();
  readListing(world);
  if (takesAway) settle(world, was, wasTagged);
  if (gives) relist(world);
  readListing(world);
}

function settle(world: World, was: ReadonlyMap<Digest, boolean | undefined>, wasTagged: ReadonlySet<Digest>): void {
  const { listed, tags } = here(world);
  const live = liveOf(world).manifests;
  const links = referenceLinks(world, here(world));
  for (const link of links) {
    if ("tag" in link && !live.has(at("", link.referrer))) tags.delete(link.tag as string);
  }
  const tagged = new Set(tags.values());
  for (const [digest, entry] of [...listed]) {
    const lostItsTag = wasTagged.has(digest) && !tagged.has(digest);
    if (tagged.has(digest)) {
      // An entry with a name has no room for the mark.
      entry.own = undefined;
    } else if (entry.own) {
      // Being listed says it, where that was enough before.
      if (was.has(digest) && was.get(digest) === undefined) entry.own = undefined;
    } else if (!was.has(digest) && !lostItsTag) {
      entry.own = undefined;
    } else if (!live.has(at("", digest))) {
      listed.delete(digest);
      lose(world, digest);
    } else if (was.has(digest)) {
      entry.own = undefined;
    } else {
      // It lives by what names it; other tools find a referrer by being listed.
      listed.delete(digest);
      if (links.some(({ referrer }) => referrer === digest)) listed.set(digest, { own: undefined });
    }
  }
}

/** What is back has its referrers back, for as long as their bytes are there. */
function relist(world: World): void {
  const { listed, members } = here(world);
  for (let isChanging = true; isChanging; ) {
    isChanging = false;
    readListing(world);
    const live = liveOf(world).manifests;
    for (const digest of [...world.lost]) {
      const subject = world.documents.byDigest.get(digest)?.subject;
      if (listed.has(digest) || !world.bytes.has(digest) || subject === undefined) continue;
      if (!members.has(subject) || !live.has(at("", subject))) continue;
      listed.set(digest, { own: undefined });
      world.lost.delete(digest);
      isChanging = true;
    }
  }
}

/** A manifest is put, its bytes and what it names being stored and claimed. */
export function put(world: World, digest: Digest, isTagged: boolean): void {
  const { listed, tags } = here(world);
  const document = world.documents.byDigest.get(digest)!;
  world.absent.set(digest, new Set(document.children.filter((child) => !isWhole(world, "", child))));
  const known = remembered(world);
  const isNamed = [...known].some((each) => contentOf(world, each).includes(digest));
  const refers = document.subject !== undefined && known.has(document.subject);
  const isOwn = !isTagged && !isNamed && !refers;
  if (!listed.has(digest) && (isTagged || isOwn || document.subject !== undefined))
    listed.set(digest, { own: undefined });
  const tagged = new Set(tags.values());
  for (const named of contentOf(world, digest)) {
    if (!listed.has(named) || tagged.has(named)) continue;
    listed.delete(named);
    if (world.documents.byDigest.get(named)?.subject !== undefined) listed.set(named, { own: undefined });
  }
}

export function setListedTag(world: World, tag: string, digest: Digest): void {
  const { listed, tags } = here(world);
  const before = tags.get(tag);
  if (!listed.has(digest)) touch(world, digest);
  listed.set(digest, { own: undefined });
  tags.set(tag, digest);
  if (before && before !== digest) lose(world, before);
}
