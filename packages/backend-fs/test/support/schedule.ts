import { seeded } from "@ocistore/backend-suite";
import type { Environment } from "@ocistore/core";
import type { FileSystem } from "../../src/files/file-system.ts";

interface Waiter {
  readonly process: number;
  readonly go: () => void;
}

/**
 * Several processes that share a file system, one call at a time, in an order that the seed decides: also one in which
 * a process stands still for long while others go on, and one in which a process dies between two of its calls.
 */
export class Schedule {
  readonly random: () => number;
  readonly dead = new Set<number>();
  #waiting: Waiter[] = [];
  readonly #weights = new Map<number, number>();
  #steps = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  /** Resolves when it is the turn of this process, and never if it dies before. */
  turn(process: number): Promise<void> {
    return new Promise((go) => void this.#waiting.push({ process, go }));
  }

  /** From now on the process does nothing more. */
  kill(process: number): void {
    this.dead.add(process);
    this.#waiting = this.#waiting.filter((waiter) => waiter.process !== process);
  }

  /** Lets the processes run until all that are alive are done; `each` is called before every step. */
  async run(each: () => void, limit = 200_000): Promise<void> {
    while (this.#waiting.length > 0) {
      if (++this.#steps > limit) throw new Error("no end in sight");
      // Every now and then some become slow, by up to four orders of magnitude.
      if (this.random() < 0.02) this.#weights.clear();
      each();
      const next = this.#pick();
      if (next === undefined) return;
      next.go();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #pick(): Waiter | undefined {
    const weights = this.#waiting.map(({ process }) => {
      const weight = this.#weights.get(process) ?? 10 ** (-4 * this.random());
      this.#weights.set(process, weight);
      return weight;
    });
    let left = this.random() * weights.reduce((sum, weight) => sum + weight, 0);
    const at = weights.findIndex((weight) => {
      left -= weight;
      return left <= 0;
    });
    return this.#waiting.splice(at < 0 ? this.#waiting.length - 1 : at, 1)[0];
  }

  environment(process: number): Environment {
    return {
      now: () => this.#steps,
      random: (bytes) => Uint8Array.from({ length: bytes }, () => this.random() * 256),
      sleep: () => this.turn(process),
    };
  }

  /**
   * The file system as one process sees it. A listing takes time, and of what comes or goes meanwhile it shows this and
   * not that, which is all that POSIX promises.
   */
  fileSystem(inner: FileSystem, process: number): FileSystem {
    const schedule = this;
    const timed =
      <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await schedule.turn(process);
        return call(...args);
      };
    const list = async (path: string) => {
      const names = new Map<string, "file" | "directory" | "other">();
      for await (const { name, kind } of inner.readdir(path)) names.set(name, kind);
      return names;
    };
    return {
      scope: inner.scope,
      open: timed(async (path, flags, mode) => {
        const handle = await inner.open(path, flags, mode);
        return {
          read: timed(handle.read),
          write: timed(handle.write),
          sync: timed(handle.sync),
          stat: timed(handle.stat),
          truncate: timed(handle.truncate),
          close: timed(handle.close),
        };
      }),
      async *readdir(path) {
        await schedule.turn(process);
        const before = await list(path);
        await schedule.turn(process);
        const after = await list(path);
        for (const [name, kind] of new Map([...before, ...after])) {
          const stayed = before.has(name) && after.has(name);
          if (stayed || schedule.random() < 0.5) yield { name, kind };
        }
      },
      lstat: timed(inner.lstat.bind(inner)),
      mkdir: timed(inner.mkdir.bind(inner)),
      rmdir: timed(inner.rmdir.bind(inner)),
      rename: timed(inner.rename.bind(inner)),
      link: timed(inner.link.bind(inner)),
      unlink: timed(inner.unlink.bind(inner)),
      touch: timed(inner.touch.bind(inner)),
      chmod: timed(inner.chmod.bind(inner)),
      syncDirectory: timed(inner.syncDirectory.bind(inner)),
      realpath: timed(inner.realpath.bind(inner)),
    };
  }
}
