import type { Environment, Store } from "@ocistore/core";
import fc from "fast-check";
import { manualClock } from "./clock.ts";
import { type Script, script } from "./operations.ts";
import { regressions } from "./regressions.ts";
import { runScript } from "./run.ts";
import type { Abilities } from "./world.ts";

export interface PropertyTests {
  /** `test` of the runner, or something like it. */
  readonly test: (name: string, work: () => Promise<void>) => void;
  /** A new, empty store with the default policy: grace one hour, window 0, wait 0. It keeps to the clock that is given. */
  readonly factory: (env: Environment) => Promise<{ readonly store: Store; close(): Promise<void> }>;
  readonly abilities: Abilities;
  /** Scripts to try; `OCISTORE_RUNS` in the environment goes before. */
  readonly runs: number;
  /** Where the clock begins; a disk that stamps files by a clock of its own wants the present time. */
  readonly startsAt?: number;
  /** The same scripts in every run; `OCISTORE_SEED` goes before, and tries others. */
  readonly seed?: number;
}

/** Random scripts on a store, each compared step by step with an oracle; and those that found something once. */
export function propertyTests({ test, factory, abilities, runs, startsAt, seed }: PropertyTests): void {
  const numRuns = Number(process.env.OCISTORE_RUNS ?? runs);
  const chosen = process.env.OCISTORE_SEED === undefined ? seed : Number(process.env.OCISTORE_SEED);
  const run = async (each: Script) => {
    const clock = manualClock(startsAt);
    const { store, close } = await factory(clock);
    try {
      await runScript(each, { store, clock, abilities });
    } finally {
      await close();
    }
  };
  for (const [name, each] of Object.entries(regressions)) test(name, () => run(each));
  test("whatever is done, the store is as the oracle says", () =>
    fc.assert(fc.asyncProperty(script, run), { numRuns, ...(chosen !== undefined && { seed: chosen }) }));
}
