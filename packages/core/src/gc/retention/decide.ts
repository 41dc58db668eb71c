import type { Ms } from "../../contract/environment.ts";
import type { RetentionKeep, RetentionRule } from "../../contract/retention.ts";
import type { Digest } from "../../model/digest.ts";
import { fits } from "./pattern.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

/** What the rules look at. */
export interface TagFacts {
  readonly name: string;
  readonly digest: Digest;
  /** When its manifest came; `undefined` if that cannot be told, and then no rule about time takes it. */
  readonly pushed: Ms | undefined;
}

/** What becomes of a tag, and why. */
export interface RetentionDecision extends TagFacts {
  readonly keep: boolean;
  /** The rule that decided, counted from 1; `undefined` if none spoke of it. */
  readonly rule: number | undefined;
  /** In words, for people. */
  readonly reason: string;
}

/**
 * What the rules make of the tags of one repository, in the order of the tags. The first rule that speaks of a tag decides;
 * a rule counts only the tags that no rule before it has spoken of. One that asks for nothing but versions speaks of
 * versions alone. A tag of which none speaks is kept.
 *
 * @example
 * decideRetention(tags, [{ match: ["pr-*"], keep: { younger: 7 * 86_400_000 } }], Date.now());
 */
export function decideRetention(
  tags: readonly TagFacts[],
  rules: readonly RetentionRule[],
  now: Ms,
): readonly RetentionDecision[] {
  const decided = new Map<string, RetentionDecision>();
  for (const [at, { match, keep }] of rules.entries()) {
    const isMatch = match ? fits(match) : () => true;
    const left = tags.filter(({ name }) => !decided.has(name) && isMatch(name));
    const named = `rule ${at + 1}${match ? `, ${match.join(" ")}` : ""}`;
    for (const { tag, keep: isKept, why } of judged(left, keep, now)) {
      decided.set(tag.name, { ...tag, keep: isKept, rule: at + 1, reason: `${named}: ${why}` });
    }
  }
  return tags.map(
    (tag) => decided.get(tag.name) ?? { ...tag, keep: true, rule: undefined, reason: "no rule speaks of it" },
  );
}

interface Judged {
  readonly tag: TagFacts;
  readonly keep: boolean;
  readonly why: string;
}

function judged(tags: readonly TagFacts[], keep: RetentionRule["keep"], now: Ms): Judged[] {
  if (keep === "all") return tags.map((tag) => ({ tag, keep: true, why: "all of these are kept" }));
  if (keep === "none") return tags.map((tag) => ({ tag, keep: false, why: "none of these is kept" }));
  const { last, younger, versions } = keep;
  const ranks = versions ? versionRanks(tags, versions) : new Map<string, VersionRank>();
  const spokenOf = last === undefined && younger === undefined ? tags.filter(({ name }) => ranks.has(name)) : tags;
  const places = new Map([...spokenOf].sort(latestFirst).map(({ name }, place) => [name, place + 1]));
  return spokenOf.map((tag) => {
    const asksForTime = last !== undefined || younger !== undefined;
    if (asksForTime && tag.pushed === undefined) return { tag, keep: true, why: "nobody knows when it was pushed" };
    return judge(tag, keep, { place: places.get(tag.name)!, rank: ranks.get(tag.name), now });
  });
}

/** Kept by the first reason there is; if there is none, each says why it is none. */
function judge(
  tag: TagFacts,
  { last, younger, versions }: RetentionKeep,
  { place, rank, now }: { readonly place: number; readonly rank: VersionRank | undefined; readonly now: Ms },
): Judged {
  const against: string[] = [];
  const age = now - (tag.pushed ?? now);
  if (last !== undefined) {
    if (place <= last) return { tag, keep: true, why: `number ${place} of the last ${last}` };
    against.push(`number ${place}, and the last ${last} are kept`);
  }
  if (younger !== undefined) {
    if (age < younger) return { tag, keep: true, why: `pushed ${inWords(age)} ago, less than ${inWords(younger)}` };
    against.push(`pushed ${inWords(age)} ago, ${inWords(younger)} or more`);
  }
  if (versions && rank) {
    const among = rank.group === "" ? "" : ` of ${rank.group}`;
    if (rank.place <= versions.newest)
      return { tag, keep: true, why: `number ${rank.place} of the ${versions.newest} newest versions${among}` };
    against.push(`number ${rank.place} of the versions${among}, and the ${versions.newest} newest are kept`);
  } else if (versions) {
    against.push("no version");
  }
  return { tag, keep: false, why: against.join("; ") };
}

interface VersionRank {
  /** From 1, the newest, within its group. */
  readonly place: number;
  readonly group: string;
}

function versionRanks(
  tags: readonly TagFacts[],
  { of = "all" }: NonNullable<RetentionKeep["versions"]>,
): ReadonlyMap<string, VersionRank> {
  const groups = new Map<string, { readonly name: string; readonly version: Version }[]>();
  for (const { name } of tags) {
    const version = parseVersion(name);
    if (!version) continue;
    const { major, minor } = version;
    const group = of === "all" ? "" : of === "major" ? `${major}` : `${major}.${minor}`;
    groups.set(group, [...(groups.get(group) ?? []), { name, version }]);
  }
  const ranks = new Map<string, VersionRank>();
  for (const [group, versions] of groups) {
    // Of two names for one version, as `1.0.0` and `v1.0.0`, both have the same place.
    const sorted = versions.sort((a, b) => compareVersions(b.version, a.version));
    let place = 0;
    for (const [at, { name, version }] of sorted.entries()) {
      if (at === 0 || compareVersions(sorted[at - 1]!.version, version) !== 0) place += 1;
      ranks.set(name, { place, group });
    }
  }
  return ranks;
}

function latestFirst(a: TagFacts, b: TagFacts): number {
  return (b.pushed ?? 0) - (a.pushed ?? 0) || (a.name < b.name ? -1 : 1);
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

function inWords(ms: Ms): string {
  for (const [name, unit] of UNITS) if (ms >= unit) return `${Math.floor(ms / unit)}${name}`;
  return "0s";
}
