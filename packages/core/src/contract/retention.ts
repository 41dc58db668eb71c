import type { Ms } from "./environment.ts";

/** Which of the tags that it speaks of a rule keeps. What has several of these keeps what any of them keeps. */
export interface RetentionKeep {
  /** The so many that were pushed last. */
  readonly last?: number | undefined;
  /** Those that were pushed less than so long ago. */
  readonly younger?: Ms | undefined;
  /**
   * Of the tags that are versions (`1.2.3`, `v1.2.3-rc.1`), the so many newest, or so many of each minor or major version.
   *
   * @see https://semver.org
   */
  readonly versions?: { readonly newest: number; readonly of?: "all" | "major" | "minor" | undefined } | undefined;
}

/**
 * One rule about tags. Rules stand in an order, and the first that speaks of a tag decides; a tag of which none speaks is
 * kept.
 *
 * @example
 * // Releases stay; of the rest the last ten, and what is younger than a week.
 * const rules: RetentionRule[] = [
 *   { match: ["v*"], keep: "all" },
 *   { match: ["**"], keep: { last: 10, younger: 7 * 86_400_000 } },
 * ];
 */
export interface RetentionRule {
  /**
   * Patterns, of which one must fit the whole name: `*` is anything but a slash, `**` anything, `?` one character but a
   * slash. One that begins with `!` takes out again what those before it let in. Every tag unless given.
   */
  readonly match?: readonly string[] | undefined;
  /** `none`: all of them go. */
  readonly keep: "all" | "none" | RetentionKeep;
}

const MOST_RULES = 1000;

/**
 * Rules that a caller or a file has given; nothing else is let in, so that a slip of the pen deletes nothing.
 *
 * @throws TypeError
 */
export function checkedRetention(rules: unknown): readonly RetentionRule[] {
  if (!Array.isArray(rules)) throw wrong("is a list of rules");
  if (rules.length > MOST_RULES) throw wrong(`has no more than ${MOST_RULES} rules`);
  return rules.map((rule: unknown, at) => checkedRule(rule, `rule ${at + 1}`));
}

function checkedRule(rule: unknown, where: string): RetentionRule {
  const { match, keep } = fields(rule, ["match", "keep"], where);
  if (match !== undefined) {
    const isList = Array.isArray(match) && match.length > 0 && match.length <= MOST_RULES;
    if (!isList || !match.every((each) => typeof each === "string" && each.length > 0 && each.length <= 256))
      throw wrong(`${where}: \`match\` is a list of patterns`);
    if ((match as string[]).every((each) => each.startsWith("!")))
      throw wrong(`${where}: \`match\` has a pattern without \`!\``);
  }
  return { ...(match !== undefined && { match: match as string[] }), keep: checkedKeep(keep, where) };
}

function checkedKeep(keep: unknown, where: string): RetentionRule["keep"] {
  if (keep === "all" || keep === "none") return keep;
  const { last, younger, versions } = fields(keep, ["last", "younger", "versions"], `${where}, \`keep\``);
  if (last === undefined && younger === undefined && versions === undefined)
    throw wrong(`${where}: \`keep\` is "all", "none", or says what of it`);
  return {
    ...(last !== undefined && { last: natural(last, `${where}, \`last\``) }),
    ...(younger !== undefined && { younger: natural(younger, `${where}, \`younger\``) }),
    ...(versions !== undefined && { versions: checkedVersions(versions, `${where}, \`versions\``) }),
  };
}

function checkedVersions(value: unknown, where: string): RetentionKeep["versions"] {
  const { newest, of } = fields(value, ["newest", "of"], where);
  if (of !== undefined && of !== "all" && of !== "major" && of !== "minor")
    throw wrong(`${where}: \`of\` is all, major or minor`);
  return { newest: natural(newest, `${where}, \`newest\``), ...(of !== undefined && { of }) };
}

function fields(value: unknown, known: readonly string[], where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(`${where} is an object`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw wrong(`${where} knows ${known.join(", ")}, and no ${JSON.stringify(unknown)}`);
  return Object.fromEntries(known.map((key) => [key, Object.hasOwn(value, key) ? (value as never)[key] : undefined]));
}

function natural(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(`${where} is a whole number, 0 or more`);
}

function wrong(what: string): TypeError {
  return new TypeError(`retention: ${what}`);
}
