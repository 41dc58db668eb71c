import type { Signal } from "../contract/environment.ts";

/** One at a time, in the order of asking. Who waits can give up. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(fn: () => Promise<T>, { signal }: Signal = {}): Promise<T> {
    signal?.throwIfAborted();
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      return fn();
    });
    // Whoever comes next waits for this turn to end, however it ends.
    this.#last = turn.catch(() => {});
    return turn;
  }
}
