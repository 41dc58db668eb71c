import { type Candidate, type Decisions, given, type Schedule } from "./decisions.ts";
import { type Outcome, type Play, run } from "./play.ts";
import type { Variant } from "./variants/variant.ts";

interface Bounds {
  /** How often a process that could go on is kept waiting. Who comes next after one that cannot is always tried in full. */
  readonly preemptions: number;
  /** How many things go wrong: no more than the play's risks allow. */
  readonly mishaps?: number | undefined;
}

interface Question {
  readonly options: number;
  readonly costs: "nothing" | "preemption" | "mishap";
}

/** Runs a play in every order within the bounds, each once. */
export async function* explore(variant: Variant, play: Play, bounds: Bounds): AsyncGenerator<Outcome> {
  const open: { readonly schedule: Schedule; readonly preemptions: number; readonly mishaps: number }[] = [
    { schedule: new Map(), preemptions: 0, mishaps: 0 },
  ];
  const judged = new Set<string>();
  for (let next = open.pop(); next; next = open.pop()) {
    const { schedule, preemptions, mishaps } = next;
    const asked: Question[] = [];
    yield await run(variant, play, listening(given(schedule), asked), { judged });
    // Each schedule is reached from the one without its last answer.
    for (let at = Math.max(-1, ...schedule.keys()) + 1; at < asked.length; at++) {
      const { options, costs } = asked[at]!;
      const spent = {
        preemptions: preemptions + (costs === "preemption" ? 1 : 0),
        mishaps: mishaps + (costs === "mishap" ? 1 : 0),
      };
      if (spent.preemptions > bounds.preemptions || spent.mishaps > (bounds.mishaps ?? 0)) continue;
      for (let answer = 1; answer <= options; answer++) {
        open.push({ schedule: new Map([...schedule, [at, answer]]), ...spent });
      }
    }
  }
}

/** Writes down what is asked. */
function listening(inner: Decisions, asked: Question[]): Decisions {
  const isPreemption = ([first]: readonly Candidate[]) => first!.isCurrent && !first!.isSleep;
  return {
    next(candidates) {
      asked.push({ options: candidates.length - 1, costs: isPreemption(candidates) ? "preemption" : "nothing" });
      return inner.next(candidates);
    },
    mishap(options) {
      asked.push({ options, costs: "mishap" });
      return inner.mishap(options);
    },
    glimpse() {
      asked.push({ options: 1, costs: "preemption" });
      return inner.glimpse();
    },
  };
}

/** A schedule that fails as well, with as few answers as can be had by leaving them out one at a time. */
export async function shrunk(
  variant: Variant,
  play: Play,
  schedule: Schedule,
  seed: number,
): Promise<Outcome | undefined> {
  let best: Outcome | undefined;
  let left = schedule;
  for (let size = Math.ceil(left.size / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < left.size; ) {
      const fewer = new Map([...left].filter((_, at) => at < from || at >= from + size));
      const outcome = await run(variant, play, given(fewer), { seed });
      if (outcome.failure === undefined) {
        from += size;
        continue;
      }
      best = outcome;
      left = outcome.schedule.size < left.size ? outcome.schedule : fewer;
    }
  }
  return best;
}
