import type { Environment, Ms } from "@ocistore/core";
import { type AcquireOptions, type Holder, lockedError } from "./lock.ts";

const SHORTEST: Ms = 1;
const LONGEST: Ms = 32;

/** How long a holder is waited for of which nobody here can say whether it lives. */
const UNKNOWN_WAIT: Ms = 30_000;

/**
 * The waiting of one `acquire`: pauses that grow, each up to half shorter by chance so that contenders fall out of
 * step, until the caller has waited enough. Counts what it slept instead of comparing times, so a clock that jumps
 * neither cuts a wait short nor makes it endless.
 */
export class Patience {
  readonly #env: Environment;
  readonly #path: string;
  readonly #options: AcquireOptions;
  #next = SHORTEST;
  #waited: Ms = 0;
  #turn = "";
  #waitedForTurn: Ms = 0;

  constructor(env: Environment, path: string, options: AcquireOptions) {
    this.#env = env;
    this.#path = path;
    this.#options = options;
  }

  /** Sleeps a little, or fails: with the signal's reason, or with `LOCKED` and the holder that was waited for. */
  async pause(holder: Holder): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    if (holder.turn !== this.#turn) {
      this.#turn = holder.turn;
      this.#waitedForTurn = 0;
    }
    const left = this.#left(holder);
    if (left <= 0) throw lockedError(this.#path, holder);
    const ms = Math.min(left, this.#next * (0.5 + this.#env.random(1)[0]! / 512));
    this.#next = Math.min(LONGEST, this.#next * 2);
    this.#waited += ms;
    this.#waitedForTurn += ms;
    await this.#env.sleep(ms, { signal });
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  #left(holder: Holder): Ms {
    if (this.#options.wait !== undefined) return this.#options.wait - this.#waited;
    return holder.known ? Number.POSITIVE_INFINITY : UNKNOWN_WAIT - this.#waitedForTurn;
  }
}
