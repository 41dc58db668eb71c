import { BACKENDS } from "./backends.ts";
import { playMany } from "./random-runs.ts";

/** Always the same in the gate; from the clock if it is to go on for long. */
const FROM = 1;

/** The random runs on one backend: so many as the gate has, or as the environment says. */
export async function gate(backend: string, runs: number): Promise<void> {
  const { OCISTORE_BACKEND, OCISTORE_SEED, OCISTORE_RUNS, OCISTORE_MINUTES } = process.env;
  if (OCISTORE_BACKEND !== undefined && OCISTORE_BACKEND !== backend) return;
  const variant = BACKENDS[backend]!;
  const from = Number(OCISTORE_SEED ?? (OCISTORE_MINUTES === undefined ? FROM : Date.now() % 1_000_000_000));
  const until =
    OCISTORE_MINUTES === undefined ? { runs: Number(OCISTORE_RUNS ?? runs) } : { minutes: Number(OCISTORE_MINUTES) };
  const done = await playMany({ variant, backend, from, until });
  if (OCISTORE_MINUTES !== undefined || OCISTORE_SEED !== undefined) {
    process.stderr.write(`${variant.name}: ${done.runs} schedules from seed ${from}, ${done.steps} calls\n`);
  }
}
