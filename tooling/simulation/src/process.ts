import type { Environment, Ms } from "@ocistore/core";
import { derived } from "./chance.ts";
import type { Simulation } from "./simulation.ts";

/** What a call looks like to whoever decides about it, and in the trace. */
export interface CallInfo {
  readonly name: string;
  /** What it is done to. */
  readonly on?: string | undefined;
  /**
   * Whether it makes a difference to anybody when it happens; yes unless told. What makes none is done at once, and nobody
   * has to decide about it.
   */
  readonly matters?: boolean | undefined;
  /** Errors that it may fail with, before it is done or after. */
  readonly fails?: readonly Failure[] | undefined;
  /** It cannot complete as long as this is not true. */
  readonly possible?: (() => boolean) | undefined;
}

export interface Failure {
  readonly code: string;
  readonly error: () => Error;
}

/** What is as good as a process: what it does it does by calls, and it can be killed at each of them. */
export class Process {
  readonly number: number;
  readonly name: string;
  readonly env: Environment;
  isAlive = true;
  /** What it does is not scheduled any more, and cannot fail. */
  isFree = false;
  readonly #simulation: Simulation;

  constructor(simulation: Simulation, number: number, name: string) {
    this.#simulation = simulation;
    this.number = number;
    this.name = name;
    const chance = derived(simulation.seed, number);
    this.env = {
      now: () => simulation.now,
      random: (bytes) => Uint8Array.from({ length: bytes }, () => chance() * 256),
      sleep: (ms: Ms, { signal } = {}) => simulation.sleep(this, ms, signal),
    };
  }

  /** Completes when the scheduler says so; never, if the process is killed. */
  call<T>(info: CallInfo, perform: () => T | Promise<T>): Promise<T> {
    return this.#simulation.call(this, info, perform);
  }

  glimpse(): boolean {
    return this.#simulation.decisions.glimpse();
  }

  /** A line in the trace. */
  note(text: string): void {
    this.#simulation.note(this, text);
  }
}
