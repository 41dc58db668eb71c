import type { Environment, Ms } from "../contract/environment.ts";
import { isOciStoreError } from "../errors.ts";
import type { ApplyOptions } from "../gc/apply.ts";
import type { CollectReceipt } from "../gc/collect.ts";
import type { CollectOptions } from "../gc/plan-collect.ts";

export interface CollectorOptions extends Omit<CollectOptions & ApplyOptions, "signal" | "epoch"> {
  /** From the end of one collection to the beginning of the next; give or take a tenth, so that many processes spread out. */
  readonly every: Ms;
  /** Told what each collection has done. */
  readonly onCollected?: ((receipt: CollectReceipt) => void) | undefined;
  /**
   * Told why one failed. The next comes later each time, up to sixteen times as late. That another process is collecting is no
   * failure.
   */
  readonly onFailed?: ((error: unknown) => void) | undefined;
}

const LATEST = 16;

/**
 * Collects in the background, for a process that serves: one collection at a time, and none while nobody has started it.
 *
 * @example
 * const collector = store.collector({ every: 60_000, onFailed: (error) => console.error(error) });
 * collector.start();
 * process.once("SIGTERM", async () => {
 *   await collector.stop();
 *   await store.close();
 * });
 */
export class Collector {
  readonly #collect: (o: CollectOptions & ApplyOptions) => Promise<CollectReceipt>;
  readonly #env: Environment;
  readonly #o: CollectorOptions;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  /** Use {@link Store.collector}. */
  constructor(
    collect: (o: CollectOptions & ApplyOptions) => Promise<CollectReceipt>,
    env: Environment,
    o: CollectorOptions,
  ) {
    if (!(o.every > 0)) throw new TypeError("`every` is a number of milliseconds");
    this.#collect = collect;
    this.#env = env;
    this.#o = o;
  }

  /** The first collection begins at once. Harmless if it has been started. */
  start(): void {
    if (this.#running) return;
    const stop = new AbortController();
    this.#running = { stop, ended: this.#run(stop.signal) };
  }

  /** Interrupts a collection that is under way; what it has not done, the next does. Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    const running = this.#running;
    running?.stop.abort();
    await running?.ended;
    if (this.#running === running) this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      failures = (await this.#once(signal)) ? 0 : failures + 1;
      await this.#pause(this.#o.every * Math.min(2 ** failures, LATEST), signal);
    }
  }

  /** @returns Whether nothing is wrong. */
  async #once(signal: AbortSignal): Promise<boolean> {
    const { every: _, onCollected, onFailed, ...o } = this.#o;
    try {
      const receipt = await this.#collect({ ...o, signal });
      heard(() => onCollected?.(receipt));
      return true;
    } catch (error) {
      if (signal.aborted || isOciStoreError(error, "LOCKED")) return true;
      heard(() => onFailed?.(error));
      return false;
    }
  }

  async #pause(ms: Ms, signal: AbortSignal): Promise<void> {
    const [chance = 0] = this.#env.random(1);
    try {
      await this.#env.sleep(ms * (0.9 + (chance / 255) * 0.2), { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** A listener that fails is none of the collector's business. */
function heard(tell: () => void): void {
  try {
    tell();
  } catch {
    // See above.
  }
}
