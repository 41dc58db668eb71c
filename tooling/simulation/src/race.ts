import type { Schedule } from "./decisions.ts";
import { given } from "./decisions.ts";
import { explore } from "./explore.ts";
import { type Outcome, type Play, run } from "./play.ts";
import { parsed, report, written } from "./report.ts";
import type { TraceEntry } from "./trace.ts";
import type { Variant } from "./variants/variant.ts";

/** A line of the trace: who, and how what it says begins. */
type Line = readonly [process: string, text: string | RegExp];

export interface Race extends Play {
  /** The lines that come in this order where the race takes place. Of several such orders each has to be met. */
  readonly race: readonly (readonly Line[])[];
  /** How often a process that could go on is kept waiting in one run. */
  readonly preemptions?: number;
  readonly mishaps?: number;
  /** What holds in each run, besides what always holds. */
  readonly always?: (outcome: Outcome) => void;
}

/**
 * Tries a race in every order within its bounds. Fails if one breaks a promise, and if in none the race took place.
 *
 * @returns How many orders there were.
 */
export async function raced(variant: Variant, scenario: Race): Promise<number> {
  const race = { isOpen: true, ...scenario };
  const again = process.env.OCISTORE_SCHEDULE;
  if (again !== undefined) {
    const outcome = await run(variant, race, given(parsed(again)));
    throw new Error(report(outcome, { title: "as asked", again }));
  }
  const missing = new Set(race.race);
  let runs = 0;
  for await (const outcome of explore(variant, race, { preemptions: race.preemptions ?? 1, mishaps: race.mishaps })) {
    runs++;
    if (outcome.failure !== undefined) throw failed(outcome.failure, outcome);
    try {
      race.always?.(outcome);
    } catch (error) {
      throw failed(error, outcome);
    }
    for (const lines of missing) if (outcome.trace.has(...lines.map(isLine))) missing.delete(lines);
  }
  const [never] = missing;
  if (never) throw new Error(`in none of ${runs} orders came ${never.map((line) => line.join(" ")).join(", then ")}`);
  return runs;
}

function isLine([process, text]: Line): (entry: TraceEntry) => boolean {
  return (entry) =>
    entry.process === process && (typeof text === "string" ? entry.text.startsWith(text) : text.test(entry.text));
}

function failed(failure: unknown, outcome: { readonly schedule: Schedule } & Outcome): Error {
  const again = `OCISTORE_SCHEDULE=${written(outcome.schedule)}, and -t for this test`;
  return new Error(report({ ...outcome, failure }, { title: "in one order", again }), { cause: failure });
}
