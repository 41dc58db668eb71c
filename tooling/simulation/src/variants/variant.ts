import type { Ms, Store } from "@ocistore/core";
import type { Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";

/**
 * A backend, as the simulation sees it. To add one: say how a process opens the store, let every call that others can notice
 * go through {@link Process.call}, and free what a process holds when it dies (`simulation.onDeath`).
 */
export interface Variant {
  readonly name: string;
  /** What `furnish` has made, once, so that each run can begin with a copy of it. */
  prepare(startsAt: Ms, furnish: (store: Store, advance: (ms: Ms) => void) => Promise<void>): Promise<Prepared>;
}

export interface Prepared {
  /** What the clock shows when `furnish` is done. */
  readonly now: Ms;
  /** A copy, of which the processes of a run share one. */
  begin(simulation: Simulation): Ground;
}

export interface Ground {
  /** Another process opens the store. */
  open(process: Process): Promise<Store>;
  /** What lies around and that no call of a store lists: temporary files, records of sessions. Nothing, at the end. */
  leftOver(): string[];
  /** All that a look at the store could depend on, if that can be had for less than a look: what is equal in it is judged once. */
  state?(): string | Promise<string>;
  /** The run is over. */
  close?(): void;
}
