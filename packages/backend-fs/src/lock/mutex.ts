import type { Environment, Ms } from "@ocistore/core";
import { type AcquireOptions, type Lock, lockedError } from "./lock.ts";

/** Mutual exclusion inside this process, first come, first served. */
export class Mutex {
  #held = false;
  readonly #queue: (() => void)[] = [];

  get idle(): boolean {
    return !this.#held && this.#queue.length === 0;
  }

  /** Resolves with the function that unlocks; a second call of that does nothing. */
  async lock(env: Environment, path: string, o: AcquireOptions = {}): Promise<() => void> {
    o.signal?.throwIfAborted();
    if (this.#held) await this.#turn(env, path, o);
    this.#held = true;
    let mine = true;
    return () => {
      if (!mine) return;
      mine = false;
      const next = this.#queue.shift();
      // Passed on, not opened: whoever asks now stands behind those who asked before.
      if (next === undefined) this.#held = false;
      else next();
    };
  }

  #turn(env: Environment, path: string, { signal, wait }: AcquireOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = new AbortController();
      const settle = () => {
        signal?.removeEventListener("abort", abort);
        timer.abort();
      };
      const turn = () => {
        settle();
        resolve();
      };
      const leave = (reason: unknown) => {
        const at = this.#queue.indexOf(turn);
        if (at < 0) return; // it was our turn already
        this.#queue.splice(at, 1);
        settle();
        reject(reason);
      };
      const abort = () => leave(signal?.reason);
      this.#queue.push(turn);
      signal?.addEventListener("abort", abort, { once: true });
      if (wait === undefined) return;
      const locked = () =>
        leave(lockedError(path, { text: "another operation of this process", known: true, turn: "" }));
      if (wait <= 0) locked();
      // Rejects when we stop the clock ourselves, and then nobody is waiting any more.
      else env.sleep(wait, { signal: timer.signal }).then(locked, leave);
    });
  }
}

const mutexes = new Map<string, Mutex>();

/**
 * `inner`, behind a mutex that all locks of this process on the same file share, by whatever path they got there. The
 * lock between processes would exclude them too, as it does two copies of this module; but it polls and takes turns by
 * chance, where this one wakes exactly the next in line.
 *
 * @param key what the lock is in truth: the same for two paths that lead to one file.
 */
export function exclusiveHere(scope: string, key: () => Promise<string>, env: Environment, path: string, inner: Lock) {
  const lock: Lock = {
    acquire: async (o = {}) => {
      o.signal?.throwIfAborted();
      const name = `${scope}\0${await key()}`;
      const mutex = mutexes.get(name) ?? new Mutex();
      mutexes.set(name, mutex);
      const forget = () => {
        if (mutex.idle && mutexes.get(name) === mutex) mutexes.delete(name);
      };
      const started = env.now();
      let unlock: (() => void) | undefined;
      const leave = () => {
        unlock?.();
        forget();
      };
      try {
        unlock = await mutex.lock(env, path, o);
        const release = await inner.acquire({ ...o, wait: remaining(o.wait, env.now() - started) });
        // The next one here may go on even if the release failed: the inner lock tells it whether that matters.
        return () => release().finally(leave);
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
  return lock;
}

function remaining(wait: Ms | undefined, elapsed: Ms): Ms | undefined {
  return wait === undefined ? undefined : Math.max(0, wait - Math.max(0, elapsed));
}
