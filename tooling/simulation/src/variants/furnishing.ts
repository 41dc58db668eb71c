import { seeded } from "@ocistore/backend-suite";
import type { Environment, Ms } from "@ocistore/core";

/** The time and the chance while a store is furnished: the clock moves when it is told to, and when somebody sleeps. */
export class Furnishing implements Environment {
  readonly #chance = seeded(1);
  #now: Ms;

  constructor(startsAt: Ms) {
    this.#now = startsAt;
  }

  now(): Ms {
    return this.#now;
  }

  readonly advance = (ms: Ms): void => {
    this.#now += ms;
  };

  random(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => this.#chance() * 256);
  }

  async sleep(ms: Ms): Promise<void> {
    this.advance(ms);
  }
}
