import {
  bytesNode,
  type Outcome,
  type Plan,
  type PlanItem,
  type Receipt,
  type Store,
  searchAsync,
} from "@ocistore/core";
import type { Context } from "./context.ts";
import { dim, type Line, soft, styled } from "./output/line.ts";
import type { Output } from "./output/output.ts";
import { count, size } from "./output/words.ts";

// What rm and gc print, for a dry run and for the real one, by the same lines of code.

type Done = Pick<Outcome, "digest" | "size" | "kind" | "reason">;

/** What would become of the items of a plan, if nothing changes meanwhile. */
export function expectedOutcome({ header }: Plan): "removed" | "condemned" {
  return header.hold > 0 ? "condemned" : "removed";
}

/**
 * Prints outcomes in the order of the plan, which a dry run prints in too; the order in which a run comes to them is its
 * own affair. What earlier runs have left to be erased comes first.
 */
export class OutcomePrinter {
  readonly #context: Context;
  readonly #order: readonly PlanItem[];
  readonly #known = new Map<string, Outcome>();
  readonly #planned: ReadonlySet<string>;
  #earlier: Outcome[] = [];
  #next = 0;
  readonly tally = { removed: 0, bytes: 0, condemned: 0, condemnedBytes: 0, skipped: 0 };

  constructor(context: Context, plan: Plan) {
    this.#context = context;
    this.#order = plan.items;
    this.#planned = new Set(plan.items.map(({ digest }) => digest));
  }

  tell(outcome: Outcome): void {
    if (!this.#planned.has(outcome.digest)) {
      this.#earlier.push(outcome);
      return;
    }
    this.#flushEarlier();
    this.#known.set(outcome.digest, outcome);
    for (; this.#next < this.#order.length; this.#next++) {
      const { digest } = this.#order[this.#next]!;
      const known = this.#known.get(digest);
      if (!known) break;
      this.#known.delete(digest);
      this.#print(known);
    }
  }

  /** What a run that broke off has not printed yet. */
  end(): void {
    this.#flushEarlier();
    for (const outcome of this.#known.values()) this.#print(outcome);
    this.#known.clear();
  }

  #flushEarlier(): void {
    for (const outcome of this.#earlier.sort(manifestsFirst)) this.#print(outcome);
    this.#earlier = [];
  }

  #print({ outcome, ...item }: Outcome): void {
    const { out } = this.#context;
    this.tally[outcome] += 1;
    if (outcome === "removed") this.tally.bytes += item.size;
    if (outcome === "condemned") this.tally.condemnedBytes += item.size;
    const { digest, size: bytes, kind, reason } = item;
    if (outcome === "skipped")
      out.note(
        { skipped: digest, size: bytes, kind, reason: "in use again, or changed" },
        `skipped ${digest}: in use again, or changed`,
      );
    else out.result({ [outcome]: digest, size: bytes, kind, reason }, ...outcomeLine(out, outcome, item));
  }
}

export function outcomeLine(
  out: Output,
  outcome: "removed" | "condemned",
  { digest, size: bytes, kind, reason }: Done,
): Line {
  return [styled(STYLE[outcome], outcome), ` ${digest}  ${kind}  ${size(bytes)}  `, dim(out.sentence(reason))];
}

/** A line of a plan that somebody is asked about; it fits on a terminal. */
export function plannedLine(
  out: Output,
  outcome: "removed" | "condemned",
  { digest, size: bytes, kind, reason }: Done,
): Line {
  const what = ` ${out.digest(digest)}  ${kind.padEnd("manifest".length)}  ${size(bytes).padStart(7)}  `;
  return [styled(STYLE[outcome], `to be ${outcome}`), what, soft(out.sentence(reason), "dim")];
}

const STYLE = { removed: "red", condemned: "yellow" } as const;

function manifestsFirst(a: Done, b: Done): number {
  if (a.kind !== b.kind) return a.kind === "manifest" ? -1 : 1;
  return a.digest < b.digest ? -1 : 1;
}

/** What a collection erases of what earlier runs have condemned, by the same look that the purge takes. */
export async function dueOutcomes(store: Store, now: number, signal: AbortSignal): Promise<Outcome[]> {
  const due: Outcome[] = [];
  const graph = await store.parts.catalog.graph({ signal });
  for await (const { digest, size: bytes, generation, kind, until } of store.condemned({ signal })) {
    if (until > now || (await searchAsync(graph, bytesNode(digest))).live) continue;
    due.push({ digest, size: bytes, generation, kind, reason: "condemned by an earlier run", outcome: "removed" });
  }
  return due;
}

/** The last line. */
export function printSummary(
  context: Context,
  printer: OutcomePrinter,
  kept: number,
  o: { readonly dryRun?: boolean } = {},
): void {
  const { removed, bytes, condemned, condemnedBytes, skipped } = printer.tally;
  const summary = {
    removed,
    bytes,
    kept: kept + skipped,
    ...(condemned > 0 && { condemned, condemnedBytes }),
    ...(o.dryRun && { dryRun: true }),
  };
  const waiting = condemned > 0 ? `; condemned ${count(condemned, "digest")}, ${size(condemnedBytes)}` : "";
  const keeps = kept + skipped > 0 ? `; kept ${kept + skipped}` : "";
  const would = o.dryRun ? " (dry run: nothing was changed)" : "";
  context.out.result(
    { summary },
    `removed ${count(removed, "digest")}, ${size(bytes)} freed${waiting}${keeps}${would}`,
  );
}

/** What a collection does besides, for a note. */
export function uploadsGivenUp(receipt: Receipt): number {
  return "uploads" in receipt ? (receipt as Receipt & { uploads: number }).uploads : 0;
}
