import type { Digest } from "@ocistore/core";
import { changing, here, lose, mayLive, readListing, remembered } from "./listing.ts";
import { at, type Live, liveOf, machinery, type RootOf, referenceLinks, rootsOf, type Thought } from "./oracle.ts";
import { contentOf, copyOf, isWhole, type RepositoryWorld, touch, type World } from "./world.ts";

// What a deletion or a collection has to do, worked out from the rule alone.

export type Aim = { readonly tag: string } | { readonly digest: Digest };

export interface DeleteWishes {
  readonly children?: "keep" | undefined;
  readonly referrers?: boolean | undefined;
}

/** What a plan says, in the oracle's words. */
export interface Expected {
  readonly repository: string;
  readonly untags: readonly { readonly tag: string; readonly from: Digest }[];
  /** Every tag that goes. */
  readonly tags: ReadonlySet<string>;
  readonly removes: readonly Digest[];
  readonly keeps: readonly Digest[];
  readonly drops: readonly { readonly repository: string; readonly digest: Digest }[];
  readonly items: ReadonlyMap<Digest, string>;
  /** Targets that something else holds. */
  readonly kept: readonly Digest[];
  /** For a collection; without one, what arrives or is lost after the plan is not too young for it either. */
  readonly before?: number | undefined;
}

export interface Refused {
  readonly refused: "NOT_FOUND" | "IN_USE";
  /** For `IN_USE`: what is held, and what the world would be without the targets' own reasons to live. */
  readonly digest?: Digest;
  readonly world?: World;
  readonly thought?: Thought;
}

export function expectDelete(
  world: World,
  repository: string,
  targets: readonly Aim[],
  wishes: DeleteWishes,
): Expected | Refused {
  const here = world.repositories.get(repository)!;
  const aims = new Map<Digest, boolean>();
  const untags: { tag: string; from: Digest }[] = [];
  for (const target of targets) {
    if ("tag" in target) {
      const from = here.tags.get(target.tag);
      if (!from) return { refused: "NOT_FOUND" };
      const goesAlready = aims.get(from) || untags.some(({ tag }) => tag === target.tag);
      if (!goesAlready) untags.push({ tag: target.tag, from });
      aims.set(from, aims.get(from) ?? false);
    } else {
      if (!isStored(world, here, target.digest)) return { refused: "NOT_FOUND" };
      aims.set(target.digest, true);
    }
  }
  // Referrers go with what is deleted, not with what stays. Suppose that all targets go, and take back what that proves wrong.
  let going = [...aims.keys()];
  let chosen: ReadonlyMap<Digest, boolean>;
  let attempt: ReturnType<typeof withoutReasons>;
  for (let before = -1; ; ) {
    const referrers = wishes.referrers ? [...referrersOf(world, here, going)] : [];
    chosen = new Map([...referrers.map((digest): [Digest, boolean] => [digest, true]), ...aims]);
    attempt = withoutReasons(world, repository, chosen, untags);
    before = going.length;
    going = going.filter((digest) => !attempt.live.manifests.has(at(repository, digest)));
    if (going.length === before) break;
  }
  const kept: Digest[] = [];
  const removes: Digest[] = [];
  for (const [digest, byDigest] of chosen) {
    if (!attempt.live.manifests.has(at(repository, digest))) removes.push(digest);
    else if (!byDigest) kept.push(digest);
    else return { refused: "IN_USE", digest, world: attempt.world, thought: attempt.thought };
  }
  const keeps: Digest[] = [];
  if (wishes.children === "keep") {
    for (const digest of removes) {
      for (const child of world.documents.byDigest.get(digest)?.children ?? []) {
        if (!isStored(world, here, child) || removes.includes(child) || keeps.includes(child)) continue;
        keeps.push(child);
        const { members } = attempt.world.repositories.get(repository)!;
        members.set(child, { absent: new Set(), ...members.get(child), own: true });
      }
    }
  }
  const live = liveOf(attempt.world, rootsOf(attempt.world), attempt.thought);

  const known = world.abilities.explicit ? new Set(here.members.keys()) : remembered(world);
  const dead = new Set(removes);
  const loose = new Set<Digest>(removes);
  for (const digest of dead) {
    for (const next of neighbours(world, here, digest)) {
      loose.add(next);
      if (known.has(next) && !live.manifests.has(at(repository, next))) dead.add(next);
    }
  }
  const items = new Map<Digest, string>();
  for (const digest of loose) {
    const stored = world.bytes.get(digest);
    if (stored && !live.bytes.has(digest)) items.set(digest, stored.version);
  }
  const drops = [...dead].filter((digest) => !removes.includes(digest)).map((digest) => ({ repository, digest }));
  return { repository, untags, tags: attempt.tags, removes, keeps, drops, items, kept };
}

/** The world in which the targets have no reason of their own to live: their tags, where they go, and their own marks. */
function withoutReasons(
  world: World,
  repository: string,
  aims: ReadonlyMap<Digest, boolean>,
  untags: readonly { tag: string }[],
) {
  const copy = copyOf(world);
  const { members, tags } = copy.repositories.get(repository)!;
  const gone = new Set(untags.map(({ tag }) => tag));
  for (const [tag, digest] of tags) if (aims.get(digest)) gone.add(tag);
  for (const tag of gone) tags.delete(tag);
  for (const digest of aims.keys()) {
    const member = members.get(digest);
    if (member) member.own = false;
  }
  const unprotected = new Set([...aims.keys()].map((digest) => at(repository, digest)));
  const thought = { unprotected, before: world };
  return { world: copy, tags: gone, thought, live: liveOf(copy, rootsOf(copy), thought) };
}

/** Where the bytes are the record, a manifest that nothing leads to is still found by its digest. */
function isStored(world: World, { members }: RepositoryWorld, digest: Digest): boolean {
  return world.abilities.explicit
    ? members.has(digest)
    : world.documents.byDigest.has(digest) && world.bytes.has(digest);
}

/** Referrers at any depth. */
function referrersOf(world: World, here: RepositoryWorld, subjects: readonly Digest[]): Set<Digest> {
  const links = referenceLinks(world, here);
  const found = new Set<Digest>();
  const queue = [...subjects];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const { referrer, subject } of links) {
      if (subject !== next || found.has(referrer)) continue;
      found.add(referrer);
      queue.push(referrer);
    }
  }
  return found;
}

/** What may die with it: its content, its subject, its referrers. */
function neighbours(world: World, here: RepositoryWorld, digest: Digest): Set<Digest> {
  const subject = world.documents.byDigest.get(digest)?.subject;
  const next = new Set([...contentOf(world, digest), ...(subject ? [subject] : [])]);
  for (const link of referenceLinks(world, here)) {
    if (link.subject === digest) next.add(link.referrer);
    if (link.referrer === digest) next.add(link.subject);
  }
  return next;
}

/** What nothing keeps, less what is younger than the grace and what hangs on that. */
export function expectCollect(world: World, before: number | undefined): Expected {
  const live = liveOf(world);
  const held = before === undefined ? live : heldByGrace(world, before);
  const drops = [...world.repositories].flatMap(([repository, { members }]) =>
    // What a layout lists is never garbage, so there is nothing to drop.
    (world.abilities.explicit ? [...members.keys()] : [])
      .filter((digest) => !held.manifests.has(at(repository, digest)))
      .map((digest) => ({ repository, digest })),
  );
  const items = new Map([...world.bytes].filter(([digest]) => !held.bytes.has(digest)).map(([d, s]) => [d, s.version]));
  const kept = [...world.bytes.keys()].filter((digest) => held.bytes.has(digest) && !live.bytes.has(digest));
  return { repository: "", untags: [], tags: new Set(), removes: [], keeps: [], drops, items, kept, before };
}

/** Live, or young, or kept by what is. */
function heldByGrace(world: World, before: number): Live {
  const young = [...world.bytes].filter(([, { since }]) => since > before).map(([digest]) => digest);
  const roots: RootOf[] = rootsOf(world);
  for (const digest of young) {
    for (const [repository, { members }] of world.repositories) {
      if (members.has(digest)) roots.push({ repository, digest, why: "own" });
    }
  }
  const live = liveOf(world, roots);
  const bytes = new Set([...live.bytes, ...young]);
  // Where the bytes are the record, a manifest that is a mere file is still one.
  if (!world.abilities.explicit) {
    for (const digest of bytes) {
      if (live.bytes.has(digest)) continue;
      const subject = world.documents.byDigest.get(digest)?.subject;
      for (const named of [...contentOf(world, digest), ...(subject ? [subject] : [])]) bytes.add(named);
    }
  }
  return { manifests: live.manifests, bytes };
}

/**
 * The same when it is looked at again, right before bytes go. A layout does not read every stray file for that; grace flows
 * from what is known to have lost its last reason.
 */
function stillHeldByGrace(world: World, before: number): ReadonlySet<Digest> {
  if (world.abilities.explicit) return heldByGrace(world, before).bytes;
  const isYoung = (digest: Digest) => (world.bytes.get(digest)?.since ?? 0) > before;
  const known = remembered(world);
  const bytes = new Set([...known].filter(isYoung));
  for (const digest of bytes) if (known.has(digest)) for (const named of contentOf(world, digest)) bytes.add(named);
  for (const digest of world.bytes.keys()) if (isYoung(digest)) bytes.add(digest);
  const roots = [...here(world).members.keys()]
    .filter(isYoung)
    .map((digest) => ({ repository: "", digest, why: "own" }) as const);
  return new Set([...bytes, ...liveOf(world, [...rootsOf(world), ...roots]).bytes]);
}

/** Applies what was planned to the world as it is now. Returns the codes of which one must come, if it cannot be done. */
export function applyExpected(world: World, plan: Expected): { errors: Set<string>; gone: Set<Digest> } {
  const errors = new Set<string>();
  const gone = new Set<Digest>();
  const trial = copyOf(world);
  readListing(trial);
  if (!world.abilities.explicit && plan.before === undefined && plan.removes.length + plan.untags.length > 0) {
    changing(trial, { takesAway: true, gives: plan.keeps.length > 0 }, () => changeListed(trial, plan, errors));
    if (errors.size > 0) return { errors, gone };
    return erase(world, trial, plan);
  }
  const here = trial.repositories.get(plan.repository);
  for (const digest of plan.keeps) {
    const member = here!.members.get(digest);
    if (!member) errors.add("NOT_FOUND");
    else if (!isWhole(trial, plan.repository, digest)) errors.add("MISSING_CONTENT");
    else member.own = true;
  }
  for (const { tag, from } of plan.untags) {
    const now = here!.tags.get(tag);
    if (now === undefined) errors.add("NOT_FOUND");
    else if (now !== from) errors.add("CONFLICT");
    here!.tags.delete(tag);
    touch(trial, from);
  }
  const links = here ? machinery(trial, here) : [];
  for (const digest of plan.removes) {
    if (!here!.members.has(digest)) {
      errors.add("NOT_FOUND");
      continue;
    }
    const roots = rootsOf(trial).filter((root) => root.repository === plan.repository && root.digest === digest);
    // A tag that has come since is not in the plan, and holds what it is on.
    if (roots.some(({ why, name }) => why === "tag" && !plan.tags.has(name!))) errors.add("IN_USE");
    if (roots.some(({ why }) => why === "pin" || why === "claim")) errors.add("IN_USE");
  }
  const references = here ? referenceLinks(trial, here) : [];
  for (const digest of plan.removes) if (here!.members.has(digest)) forget(trial, plan.repository, digest, links);
  for (const digest of plan.removes) touch(trial, digest);
  const live = liveOf(trial);
  for (const digest of plan.removes) {
    const holds = (holder: Digest) => live.manifests.has(at(plan.repository, holder));
    for (const holder of here!.members.keys()) {
      const names = contentOf(trial, holder).includes(digest);
      const refers = references.some(({ referrer, subject }) => referrer === holder && subject === digest);
      if ((names || (refers && stillRefers(trial, here!, holder, digest))) && holds(holder)) errors.add("IN_USE");
    }
  }
  if (errors.size > 0) return { errors, gone };

  const isHeld = plan.before === undefined ? live : heldByGrace(trial, plan.before);
  for (const { repository, digest } of plan.drops) {
    const place = trial.repositories.get(repository)!;
    if (!isHeld.manifests.has(at(repository, digest))) forget(trial, repository, digest, machinery(trial, place));
  }
  return erase(world, trial, plan);
}

/** The last step: bytes go, where nothing keeps them. */
function erase(world: World, trial: World, plan: Expected): { errors: Set<string>; gone: Set<Digest> } {
  const gone = new Set<Digest>();
  const held = plan.before === undefined ? liveOf(trial).bytes : stillHeldByGrace(trial, plan.before);
  for (const [digest, version] of plan.items) {
    const stored = trial.bytes.get(digest);
    if (!stored || stored.version !== version || held.has(digest)) continue;
    gone.add(digest);
  }
  for (const digest of gone) {
    trial.bytes.delete(digest);
    trial.lost.delete(digest);
    if (!world.abilities.explicit) unlist(trial, digest, machinery(trial, here(trial)));
    for (const [repository, place] of trial.repositories) {
      if (place.members.has(digest)) forget(trial, repository, digest, machinery(trial, place));
    }
  }
  Object.assign(world, trial);
  readListing(world);
  return { errors: new Set(), gone };
}

/** Tags and entries of a layout go, as far as nothing holds them. */
function changeListed(trial: World, plan: Expected, errors: Set<string>): void {
  const here = trial.repositories.get(plan.repository)!;
  const { tags, listed, members } = here;
  for (const digest of plan.keeps) {
    if (!isStored(trial, here, digest)) errors.add("NOT_FOUND");
    else if (!mayLive(trial, digest)) errors.add("MISSING_CONTENT");
    else listed.set(digest, { own: true });
  }
  for (const { tag, from } of plan.untags) {
    const now = tags.get(tag);
    if (now === undefined) errors.add("NOT_FOUND");
    else if (now !== from) errors.add("CONFLICT");
    tags.delete(tag);
    lose(trial, from);
  }
  readListing(trial);
  const links = machinery(trial, here);
  for (const digest of plan.removes) {
    if (!isStored(trial, here, digest)) errors.add("NOT_FOUND");
    for (const { why, name, ...root } of rootsOf(trial)) {
      if (root.digest !== digest) continue;
      // A tag that has come since is not in the plan, and holds what it is on.
      if (why === "tag" && !plan.tags.has(name!)) errors.add("IN_USE");
      if (why === "pin" || why === "claim") errors.add("IN_USE");
    }
  }
  for (const digest of plan.removes) {
    unlist(trial, digest, links);
    touch(trial, digest);
    trial.lost.delete(digest);
  }
  readListing(trial);
  const live = liveOf(trial).manifests;
  const references = referenceLinks(trial, here);
  for (const digest of plan.removes) {
    for (const holder of members.keys()) {
      const refers = references.some(({ referrer, subject }) => referrer === holder && subject === digest);
      if ((refers || contentOf(trial, holder).includes(digest)) && live.has(at("", holder))) errors.add("IN_USE");
    }
  }
  for (const { digest } of plan.drops) if (!live.has(at("", digest))) unlist(trial, digest, links);
}

/** An entry goes with its tags, and with the tags that are its machinery. */
function unlist(
  { repositories }: World,
  digest: Digest,
  links: readonly { readonly tag: string; readonly subject: Digest }[],
): void {
  const { listed, tags } = repositories.get("")!;
  listed.delete(digest);
  for (const [tag, to] of tags) if (to === digest) tags.delete(tag);
  for (const { tag, subject } of links) if (subject === digest) tags.delete(tag);
}

/** By its own word; a tag of machinery says nothing any more when its subject has gone. */
function stillRefers(world: World, { members }: RepositoryWorld, referrer: Digest, subject: Digest): boolean {
  return members.has(referrer) && world.documents.byDigest.get(referrer)?.subject === subject;
}

/** A manifest goes out of a repository with its tags, and with the tags that are its machinery. */
function forget(
  world: World,
  repository: string,
  digest: Digest,
  links: readonly { readonly tag: string; readonly subject: Digest }[],
): void {
  const { members, tags } = world.repositories.get(repository)!;
  members.delete(digest);
  for (const [tag, to] of tags) if (to === digest) tags.delete(tag);
  for (const { tag, subject } of links) if (subject === digest) tags.delete(tag);
}
