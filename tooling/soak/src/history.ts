import type { Effect, Ending, Intent, Line, Look } from "./journal.ts";

/** An operation that may have happened at any moment between `start` and `end`. */
export interface Operation {
  readonly who: string;
  readonly what: string;
  readonly start: number;
  readonly end: number;
  /** `unknown`: whoever did it was killed; it has happened, or will never. */
  readonly outcome: Ending["outcome"] | "unknown";
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly count?: number | undefined;
  readonly effects: readonly Effect[];
  readonly keeps: readonly string[];
  readonly takes: readonly string[];
}

/** Reads what one process has written down. `died`: when, if it was killed. */
export function operationsOf(who: string, lines: readonly Line[], died: number | undefined): Operation[] {
  const begun = new Map<number, { at: number; intent: Intent }>();
  const operations: Operation[] = [];
  const add = ({ at, intent }: { at: number; intent: Intent }, end: number, ending: Ending | undefined) => {
    const { what, effects = [], keeps = [], takes = [] } = intent;
    const { outcome = "unknown", ...rest } = ending ?? {};
    operations.push({ who, what, start: at, end, outcome, effects, keeps, takes, ...rest });
  };
  for (const line of lines) {
    if ("begin" in line) begun.set(line.n, { at: line.at, intent: line.begin });
    if (!("end" in line)) continue;
    add(begun.get(line.n)!, line.at, line.end);
    begun.delete(line.n);
  }
  for (const each of begun.values()) add(each, died ?? Number.POSITIVE_INFINITY, undefined);
  return operations;
}

interface Write {
  readonly start: number;
  readonly end: number;
  readonly isCertain: boolean;
  readonly to: string | null;
}

/** What each tag may have been on, and when: every operation on it happens at one moment, between its start and its end. */
export class TagHistory {
  readonly #writes = new Map<string, Write[]>();

  constructor(operations: readonly Operation[]) {
    for (const { start, end, outcome, effects, code } of operations) {
      // Everything else that is refused has changed nothing.
      const isUnclear = outcome === "unknown" || outcome === "failed" || code === "LAYOUT_INVALID";
      if (outcome === "refused" && !isUnclear) continue;
      for (const { tag, to } of effects) {
        const writes = this.#writes.get(tag) ?? [BEGINNING];
        this.#writes.set(tag, writes);
        writes.push({ start, end, isCertain: !isUnclear, to });
      }
    }
  }

  tags(): string[] {
    return [...this.#writes.keys()];
  }

  /** What the tag may have been on at some moment between these. */
  possible(tag: string, from: number, to: number): Set<string | null> {
    const writes = this.#writes.get(tag) ?? [BEGINNING];
    const isOverwritten = (write: Write) =>
      writes.some((other) => other.isCertain && other.start > write.end && other.end < from);
    return new Set(writes.filter((write) => write.start <= to && !isOverwritten(write)).map((write) => write.to));
  }

  /** Whether somebody may have put the tag on something else meanwhile. */
  mayHaveChanged(tag: string, on: string | null, from: number, to: number): boolean {
    const writes = this.#writes.get(tag) ?? [];
    return writes.some((write) => write.to !== on && write.start <= to && write.end >= from);
  }

  /** What anybody has ever put it on. */
  ever(tag: string): Set<string | null> {
    return new Set((this.#writes.get(tag) ?? [BEGINNING]).map(({ to }) => to));
  }
}

const BEGINNING: Write = {
  start: Number.NEGATIVE_INFINITY,
  end: Number.NEGATIVE_INFINITY,
  isCertain: true,
  to: null,
};

/** The codes with which each may be refused beside others that do the same; anything else is a finding. */
const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  "push image, new": ["CONFLICT"],
  // What has lost its tag is readable for its grace, while a deletion may have taken a layer that it shared.
  tag: ["NOT_FOUND", "MISSING_CONTENT"],
  untag: ["NOT_FOUND"],
  delete: ["NOT_FOUND", "CONFLICT", "IN_USE"],
  undo: ["NOT_FOUND", "CONFLICT", "MISSING_CONTENT"],
  collect: ["LOCKED", "CONFLICT"],
  "collect at once": ["LOCKED", "CONFLICT"],
};

/** Operations that failed as they should not have. */
export function refusalFaults(operations: readonly Operation[], foreign: boolean): string[] {
  return operations.flatMap(({ who, what, outcome, code = "", message }) => {
    const isExpected = REFUSALS[what]?.includes(code) || (foreign && code === "LAYOUT_INVALID");
    if (outcome === "done" || outcome === "unknown" || (outcome === "refused" && isExpected)) return [];
    return [`${who}: ${what} failed: ${code} ${message}`];
  });
}

/** What a reader saw and should not have seen. */
export function lookFaults(history: TagHistory, looks: readonly (Look & { readonly who: string })[]): string[] {
  return looks.flatMap(({ who, what, tag, start, end, saw, broken }) => {
    const faults: string[] = [];
    const possible = history.possible(tag, start, end);
    if (!possible.has(saw)) faults.push(`${who}: ${what} saw ${tag} on ${saw}, not on ${either(possible)}`);
    if (broken !== undefined && !history.mayHaveChanged(tag, saw, start, end)) {
      faults.push(`${who}: ${what} of ${tag}, on ${saw}: ${broken}`);
    }
    return faults;
  });
}

/** The tags at the end against what was acknowledged. */
export function tagFaults(history: TagHistory, tags: ReadonlyMap<string, string>): string[] {
  return [...new Set([...history.tags(), ...tags.keys()])].flatMap((tag) => {
    const possible = history.possible(tag, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const present = tags.get(tag) ?? null;
    return possible.has(present) ? [] : [`${tag} is on ${present}, not on ${either(possible)}`];
  });
}

const either = (possible: ReadonlySet<string | null>): string => [...possible].map(String).join(" or ");
