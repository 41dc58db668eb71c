import { answersTo, changes, type Errno, LASTING, MAIN } from "./codes.ts";
import type { Operation } from "./operations.ts";
import { type Baseline, type Strike, strike } from "./strike.ts";

/**
 * `OCISTORE_FAULTS=all`: every error that each call may have, once and for good. Otherwise each call has one of those it may
 * have, and what changes something more of them; in long operations every so many calls, the same ones in each run.
 */
const ALL = process.env.OCISTORE_FAULTS === "all";
const FEW = 100;

/** Every call index, with what is to befall it. */
function* strikesOn({ calls }: Baseline): Generator<Strike & { readonly said: string }> {
  const step = ALL ? 1 : Math.ceil(calls.length / FEW);
  let turn = 0;
  for (const call of calls) {
    const { number, name, path } = call;
    if (number % step !== 0) continue;
    turn += 1;
    const answers = answersTo(call);
    const passing = answers.filter((code) => !LASTING.includes(code));
    const main = passing.filter((code) => MAIN.includes(code));
    const chosen = ALL ? passing : changes(call) ? main : [passing[turn % passing.length]!];
    const who = (at: number): Pick<Strike, "by" | "clear"> => ({
      by: (turn + at) % 2 === 0 ? "same" : "another",
      clear: ALL || at === 0,
    });
    const said = (code: string, how: string) => `${code} ${how} at call ${number}, ${name} ${path}`;
    for (const [at, code] of chosen.entries()) {
      yield { fault: { at: number, code }, ...who(at), said: said(code, "once") };
    }
    for (const code of ALL ? answers : turn % 4 === 0 ? [answers[turn % answers.length]!] : []) {
      const at = (each: typeof call) => each.number >= number && answersTo(each).includes(code as Errno);
      yield { fault: { at, code, always: true }, ...who(1), said: said(code, "for good") };
    }
    if (changes(call)) {
      yield { fault: { at: number, code: "EIO", after: true }, ...who(2), said: said("EIO", "although it is done") };
    }
    if (name === "read" || name === "write") {
      yield { fault: { at: number, code: "SHORT" }, ...who(3), said: said("SHORT", "once") };
    }
  }
}

/** All that went wrong, each in words. */
export async function failuresOf(operation: Operation, baseline: Baseline): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { said, ...each } of strikesOn(baseline)) {
    try {
      await strike(operation, baseline, each);
    } catch (error) {
      failures.push(`${said}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return failures;
}
