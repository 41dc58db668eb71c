import type { State } from "./state.ts";
import type { Place, Process } from "./world.ts";

/** One call of the library, which is acknowledged when it resolves. */
export interface Step {
  readonly name: string;
  run(process: Process): Promise<unknown>;
  /** What holds from its acknowledgement on. */
  readonly after: State;
  /** What may be seen of the state before while a claim of the dead holds what the step was about. */
  readonly meanwhile?: State;
}

/** What died: the process, or the machine. Sessions need not outlive the latter, and bytes of an upload that was not ended. */
export type Death = "process" | "power";

/** An operation that is ended at each of its calls. */
export interface Scenario {
  readonly name: string;
  readonly before: State;
  /** Brings about what is there before. */
  prepare(place: Place): Promise<void>;
  readonly steps: readonly Step[];
  /** What else has to hold after a crash, when this state was found. Tried on a copy of what the crash has left. */
  besides?(process: Process, found: State): Promise<void>;
  /** Until the steps have been acknowledged the layout is not one, or is damaged; then this comes first. */
  again?(process: Process): Promise<unknown>;
}
