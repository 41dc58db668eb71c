import { type Environment, type Ms, type Signal, systemEnvironment } from "@ocistore/core";

/**
 * The time and the chance of one test. The clock starts at the time of the machine, because some stores get the times of
 * their content from a disk or a server, and from then on moves only when it is told to, or when somebody sleeps.
 */
export class ManualEnvironment implements Environment {
  #now: Ms = Math.floor(systemEnvironment.now());
  #seed: number;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  now(): Ms {
    return this.#now;
  }

  /** Moves the clock. */
  advance(ms: Ms): void {
    this.#now += ms;
  }

  /** The same numbers in every run (mulberry32). */
  random(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => Math.floor(this.chance() * 256));
  }

  /** A number from 0 up to but not including 1. */
  chance(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Moves the clock, and really waits a moment, so that a disk or a socket that is waited for can get on. */
  async sleep(ms: Ms, { signal }: Signal = {}): Promise<void> {
    signal?.throwIfAborted();
    this.#now += ms;
    await systemEnvironment.sleep(1, { signal });
  }
}
