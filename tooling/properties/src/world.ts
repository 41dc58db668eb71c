import type { Digest } from "@ocistore/core";
import type { Documents } from "./documents.ts";

/** What a backend can do, as far as a script has to know. */
export interface Abilities {
  /** There can be two. */
  readonly repositories: boolean;
  /**
   * What is stored in a repository is written down, so that an untagged manifest stays readable until it is collected, and
   * is nobody's root. Without it the bytes are the record, and what lost its last reason is a mere file.
   */
  readonly explicit: boolean;
  /** Bytes that are stored a second time lie in a second place. */
  readonly generations: boolean;
}

interface Member {
  own: boolean;
  /** Children that were absent when it was pushed as sparse. */
  absent: ReadonlySet<Digest>;
}

export interface RepositoryWorld {
  readonly members: Map<Digest, Member>;
  readonly tags: Map<string, Digest>;
  readonly pins: Map<string, { readonly digest: Digest; readonly until?: number | undefined }>;
  /** The entries of index.json, in their order, where that is the record; see `listing.ts`. */
  readonly listed: Map<Digest, { own: boolean | undefined }>;
}

interface Claim {
  until: number;
  readonly held: Map<string, Set<Digest>>;
}

/** All that is stored, in plain maps. The only rules in here are those of arriving; see `oracle.ts` for the rest. */
export interface World {
  readonly documents: Documents;
  readonly abilities: Abilities;
  now: number;
  arrivals: number;
  readonly repositories: Map<string, RepositoryWorld>;
  readonly bytes: Map<Digest, { since: number; version: string }>;
  readonly claims: Map<string, Claim>;
  /** Where the bytes are the record: manifests that have lost their last reason. */
  readonly lost: Set<Digest>;
  /** Where the bytes are the record: children that were absent when an index was last pushed. */
  readonly absent: Map<Digest, ReadonlySet<Digest>>;
}

export function newWorld(documents: Documents, abilities: Abilities, now: number): World {
  const names = abilities.repositories ? ["a", "b"] : [""];
  const repositories = new Map(
    names.map((name): [string, RepositoryWorld] => [
      name,
      { members: new Map(), tags: new Map(), pins: new Map(), listed: new Map() },
    ]),
  );
  const empty = { bytes: new Map(), claims: new Map(), lost: new Set<Digest>(), absent: new Map() };
  return { documents, abilities, now, arrivals: 0, repositories, ...empty };
}

/** Another world that is the same, to try something in. */
export function copyOf(world: World): World {
  return {
    ...world,
    repositories: new Map(
      [...world.repositories].map(([name, { members, tags, pins, listed }]) => [
        name,
        {
          members: new Map([...members].map(([digest, member]) => [digest, { ...member }])),
          tags: new Map(tags),
          pins: new Map(pins),
          listed: new Map([...listed].map(([digest, entry]) => [digest, { ...entry }])),
        },
      ]),
    ),
    bytes: new Map([...world.bytes].map(([digest, stored]) => [digest, { ...stored }])),
    claims: new Map(
      [...world.claims].map(([owner, { until, held }]) => [
        owner,
        { until, held: new Map([...held].map(([name, digests]) => [name, new Set(digests)])) },
      ]),
    ),
    lost: new Set(world.lost),
    absent: new Map(world.absent),
  };
}

export function touch({ bytes, now }: World, digest: Digest): void {
  const stored = bytes.get(digest);
  if (stored) stored.since = now;
}

/** Whether a repository may read these bytes: it stores them as a manifest, a manifest there names them, or they are claimed there. */
export function isVisible(world: World, repository: string, digest: Digest): boolean {
  if (!world.bytes.has(digest)) return false;
  if (!world.abilities.explicit) return true;
  const { members } = world.repositories.get(repository)!;
  if (members.has(digest)) return true;
  for (const each of members.keys()) if (contentOf(world, each).includes(digest)) return true;
  return [...world.claims.values()].some(
    ({ until, held }) => until > world.now && (held.get(repository)?.has(digest) ?? false),
  );
}

/** What a manifest names as content. */
export function contentOf({ documents }: World, digest: Digest): readonly Digest[] {
  const document = documents.byDigest.get(digest);
  return document ? [...document.blobs, ...document.children] : [];
}

/** Bytes come from outside, or are found to be here already; they are claimed either way. */
export function store(world: World, repository: string, owner: string, digest: Digest): void {
  if (!isVisible(world, repository, digest)) {
    world.arrivals += 1;
    const version = world.abilities.generations ? String(world.arrivals) : "";
    world.bytes.set(digest, { version: world.bytes.get(digest)?.version ?? version, since: world.now });
  }
  hold(world, repository, owner, digest);
}

const CLAIM = 60 * 60_000;

export function hold(world: World, repository: string, owner: string, digest: Digest): void {
  const claim = world.claims.get(owner) ?? { until: 0, held: new Map<string, Set<Digest>>() };
  claim.until = Math.max(claim.until, world.now + CLAIM);
  const digests = claim.held.get(repository) ?? new Set();
  claim.held.set(repository, digests.add(digest));
  world.claims.set(owner, claim);
  touch(world, digest);
}

/** A session ends; the grace of what it held starts now. */
export function release(world: World, owner: string): void {
  const claim = world.claims.get(owner);
  world.claims.delete(owner);
  for (const digests of claim?.held.values() ?? []) for (const digest of digests) touch(world, digest);
}

/** Whether a manifest is stored with all that it needs; a child that was declared absent is not needed. */
export function isWhole(world: World, repository: string, digest: Digest): boolean {
  const document = world.documents.byDigest.get(digest);
  const { members } = world.repositories.get(repository)!;
  const isThere = world.abilities.explicit ? members.has(digest) : world.bytes.has(digest);
  if (!document || !isThere || !world.bytes.has(digest)) return false;
  // A plain layout has no word on what is sparse on purpose.
  const absent = (world.abilities.explicit && members.get(digest)?.absent) || new Set();
  return (
    document.blobs.every((blob) => world.bytes.has(blob)) &&
    document.children.every((child) => absent.has(child) || isWhole(world, repository, child))
  );
}

/** A manifest is recorded, its content being stored. */
export function record(world: World, repository: string, digest: Digest, tags: readonly string[]): void {
  const { members } = world.repositories.get(repository)!;
  const document = world.documents.byDigest.get(digest)!;
  const absent = new Set(document.children.filter((child) => !isWhole(world, repository, child)));
  const known = members.get(digest);
  const nested = [...members.keys()].some((each) => contentOf(world, each).includes(digest));
  const refers = document.subject !== undefined && members.has(document.subject);
  members.set(digest, { own: known ? known.own : tags.length === 0 && !nested && !refers, absent });
  for (const named of contentOf(world, digest)) disown(world, repository, named);
  if (!known) {
    for (const each of members.keys()) {
      if (world.documents.byDigest.get(each)?.subject === digest) disown(world, repository, each);
    }
  }
  for (const tag of tags) setTag(world, repository, tag, digest);
}

/** Something names it from now on. */
function disown(world: World, repository: string, digest: Digest): void {
  const member = world.repositories.get(repository)!.members.get(digest);
  if (member) member.own = false;
}

export function setTag(world: World, repository: string, tag: string, digest: Digest): void {
  const { tags } = world.repositories.get(repository)!;
  const before = tags.get(tag);
  disown(world, repository, digest);
  tags.set(tag, digest);
  if (before && before !== digest) touch(world, before);
}
