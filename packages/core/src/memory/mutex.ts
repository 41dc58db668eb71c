import type { Signal } from "../contract/environment.ts";
import { raced } from "../contract/raced.ts";

/** One at a time, in the order of asking. Who waits can give up, and is told so at once. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(fn: () => Promise<T>, { signal }: Signal = {}): Promise<T> {
    const before = this.#last;
    let leave = () => {};
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    // Whoever comes next waits for those before me too, even if I give up before it is my turn.
    this.#last = before.then(() => left);
    try {
      await raced(before, signal);
      return await fn();
    } finally {
      leave();
    }
  }
}
