import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { checkedRetention, type RetentionRule, type TagDecision } from "@ocistore/core";
import type { Context } from "./context.ts";
import { formatDuration, parseDuration } from "./duration.ts";
import { notFound, usage } from "./errors.ts";
import { styled } from "./output/line.ts";

/** Rules from a file of JSON, in which an age may be written as a duration, `"7d"`, too. */
export async function readRules({ io, signal }: Context, file: string): Promise<readonly RetentionRule[]> {
  let text: string;
  try {
    text = await readFile(resolve(io.cwd, file), { encoding: "utf8", signal });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(`no such file: ${file}`);
    throw error;
  }
  try {
    return checkedRetention(JSON.parse(text, (key, value) => (key === "younger" ? ageOf(value) : value)));
  } catch (error) {
    throw usage(
      `${file}: ${(error as Error).message}`,
      'a list such as [{"match":["v*"],"keep":"all"},{"keep":{"last":10,"younger":"7d"}}]',
    );
  }
}

function ageOf(value: unknown): unknown {
  return typeof value === "string" ? parseDuration(value) : value;
}

export function describeRule({ match = ["**"], keep }: RetentionRule): string {
  return `${match.join(" ")}: ${describeKeep(keep)}`;
}

function describeKeep(keep: RetentionRule["keep"]): string {
  if (keep === "all") return "keep all";
  if (keep === "none") return "keep none";
  const { last, younger, versions } = keep;
  const parts: string[] = [];
  if (last !== undefined) parts.push(`the last ${last}`);
  if (younger !== undefined) parts.push(`what is younger than ${formatDuration(younger)}`);
  if (versions) {
    const { newest, of = "all" } = versions;
    parts.push(`the ${newest} newest ${of === "all" ? "versions" : `of each ${of} version`}`);
  }
  return `keep ${parts.join(", and ")}`;
}

/** A line for each tag, and the rule that decides. */
export async function explainTags({ out }: Context, decisions: readonly TagDecision[]): Promise<void> {
  for (const { name, digest, keep, rule, reason } of decisions) {
    const verdict = styled(keep ? "green" : "red", keep ? "keeps" : "goes ");
    out.result(
      { tag: name, digest, keep, ...(rule !== undefined && { rule }), reason },
      verdict,
      ` ${name}: ${reason}`,
    );
    await out.flow();
  }
  if (decisions.length === 0) out.note({}, "there are no rules about tags, or no tags");
}
