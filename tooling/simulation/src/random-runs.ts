import { random } from "./decisions.ts";
import { shrunk } from "./explore.ts";
import { type Outcome, run } from "./play.ts";
import { report } from "./report.ts";
import type { Variant } from "./variants/variant.ts";
import { workload } from "./workload.ts";

/** How likely it is at each call that something goes wrong, where anything may. */
const MISHAPS = 0.02;

/** What a seed stands for: what processes do, in which order, and what happens to them. */
export function play(variant: Variant, seed: number): Promise<Outcome> {
  return run(variant, workload(seed), random(seed, { mishaps: MISHAPS }), { seed });
}

export interface Runs {
  readonly variant: Variant;
  /** As `simulate --backend` knows it. */
  readonly backend: string;
  readonly from: number;
  /** How many, or for how long. */
  readonly until: { readonly runs: number } | { readonly minutes: number };
}

/** Runs seed after seed. @throws with the seed, the trace and the shortest schedule found, if one fails. */
export async function playMany({ variant, backend, from, until }: Runs): Promise<{ runs: number; steps: number }> {
  const end = "minutes" in until ? performance.now() + until.minutes * 60_000 : Number.POSITIVE_INFINITY;
  const limit = "runs" in until ? until.runs : Number.POSITIVE_INFINITY;
  let steps = 0;
  let runs = 0;
  for (; runs < limit && performance.now() < end; runs++) {
    const seed = from + runs;
    const outcome = await play(variant, seed);
    steps += outcome.steps;
    if (outcome.failure === undefined) continue;
    const smaller = await shrunk(variant, workload(seed), outcome.schedule, seed);
    const title = `seed ${seed} on ${variant.name}`;
    throw new Error(report(smaller ?? outcome, { title, again: `pnpm simulate --backend ${backend} --seed ${seed}` }));
  }
  return { runs, steps };
}
