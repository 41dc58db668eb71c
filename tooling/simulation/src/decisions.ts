import { seeded } from "@ocistore/backend-suite";
import { dice } from "./chance.ts";

/** One of the calls that may complete next. */
export interface Candidate {
  readonly process: number;
  /** It is the process that has gone on until now. */
  readonly isCurrent: boolean;
  /** Only waits for time to pass. */
  readonly isSleep: boolean;
}

/**
 * Where all that a run leaves open is decided. 0 is always the dull answer: the same process goes on, nothing fails, nobody
 * dies, no time passes. So a schedule is the few answers that are not dull, and a smaller schedule is one with fewer of them.
 */
export interface Decisions {
  /** Which of them, at least two, completes next. They come in the order of dullness. */
  next(candidates: readonly Candidate[]): number;
  /** Which of `options` unpleasant things happens at this call, at least one; 0: none. */
  mishap(options: number): number;
  /** Whether what may be seen or not, as an entry that comes while a directory is listed, is seen. */
  glimpse(): boolean;
}

/** The answers that were not dull, by the number of the question. */
export type Schedule = ReadonlyMap<number, number>;

/** Passes the questions on, and writes down what is not dull. */
export class Recorder implements Decisions {
  readonly schedule = new Map<number, number>();
  readonly #inner: Decisions;
  #asked = 0;

  constructor(inner: Decisions) {
    this.#inner = inner;
  }

  get asked(): number {
    return this.#asked;
  }

  next(candidates: readonly Candidate[]): number {
    return this.#note(this.#inner.next(candidates));
  }

  mishap(options: number): number {
    return this.#note(this.#inner.mishap(options));
  }

  glimpse(): boolean {
    return this.#note(this.#inner.glimpse() ? 1 : 0) === 1;
  }

  #note(answer: number): number {
    const at = this.#asked++;
    if (answer !== 0) this.schedule.set(at, answer);
    return answer;
  }
}

/** Answers as they were written down, and dull where nothing was. */
export function given(schedule: Schedule): Decisions {
  let asked = 0;
  const answer = (options: number) => Math.min(schedule.get(asked++) ?? 0, options);
  return {
    next: (candidates) => answer(candidates.length - 1),
    mishap: answer,
    glimpse: () => answer(1) === 1,
  };
}

/** By chance. Processes are slow and fast by turns, by up to four orders of magnitude, so that one stands still for long. */
export function random(seed: number, o: { readonly mishaps: number }): Decisions {
  const chance = seeded(seed);
  const { below } = dice(chance);
  const weights = new Map<number, number>();
  // Some runs change over at every call, others now and then.
  const stay = chance() < 0.3 ? 0 : 1 - 10 ** (-2 * chance());
  const weightOf = ({ process, isSleep }: Candidate) => {
    const weight = weights.get(process) ?? 10 ** (-4 * chance());
    weights.set(process, weight);
    return isSleep ? weight / 10 : weight;
  };
  return {
    next(candidates) {
      if (chance() < 0.02) weights.clear();
      const [first] = candidates;
      if (first!.isCurrent && !first!.isSleep && chance() < stay) return 0;
      const all = candidates.map(weightOf);
      let left = chance() * all.reduce((sum, weight) => sum + weight, 0);
      const at = all.findIndex((weight) => {
        left -= weight;
        return left <= 0;
      });
      return at < 0 ? candidates.length - 1 : at;
    },
    mishap: (options) => (chance() < o.mishaps ? 1 + below(options) : 0),
    glimpse: () => chance() < 0.5,
  };
}
