import { type Environment, type Ms, type Signal, systemEnvironment } from "@ocistore/core";
import { seeded } from "./seeded.ts";

/**
 * The time and the chance of one test. The clock starts at the time of the machine, because some stores get the times of
 * their content from a disk or a server, and from then on moves only when it is told to, or when somebody sleeps.
 */
export class ManualEnvironment implements Environment {
  #now: Ms = Math.floor(systemEnvironment.now());
  /** A number from 0 up to but not including 1. */
  readonly chance: () => number;

  constructor(seed = 1) {
    this.chance = seeded(seed);
  }

  now(): Ms {
    return this.#now;
  }

  /** Moves the clock. */
  advance(ms: Ms): void {
    this.#now += ms;
  }

  /** The same numbers in every run. */
  random(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => Math.floor(this.chance() * 256));
  }

  /** Moves the clock, and really waits a moment, so that a disk or a socket that is waited for can get on. */
  async sleep(ms: Ms, { signal }: Signal = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#now += ms;
    await systemEnvironment.sleep(1, { signal });
  }
}
