import type { Ms } from "@ocistore/core";
import type { Candidate, Decisions } from "./decisions.ts";
import { type CallInfo, type Failure, Process } from "./process.ts";
import { Trace } from "./trace.ts";

interface Pending {
  readonly process: Process;
  readonly info: CallInfo;
  readonly perform: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Of a sleep: when it is over. */
  readonly due?: Ms;
}

/** How many of what may go wrong in a run. */
export interface Risks {
  readonly deaths: number;
  readonly faults: number;
  readonly jumps: number;
}

const NO_RISKS: Risks = { deaths: 0, faults: 0, jumps: 0 };

/** Mishaps at a call. */
type Mishap =
  | { readonly kind: "death"; readonly after: boolean }
  | { readonly kind: "fault"; readonly failure: Failure; readonly after: boolean }
  | { readonly kind: "jump"; readonly ms: Ms };

const MINUTE = 60_000;
/** Past the lease of a collector, past the grace and the end of claims, and an hour back. */
const JUMPS: readonly Ms[] = [3 * MINUTE, 61 * MINUTE, -60 * MINUTE];

export interface SimulationOptions {
  readonly seed: number;
  readonly decisions: Decisions;
  readonly risks?: Risks | undefined;
  readonly startsAt: Ms;
  readonly names: ReadonlyMap<string, string>;
  /** More calls than this, and somebody waits for what never comes. */
  readonly limit?: number | undefined;
}

/**
 * Runs processes one call at a time, in an order that is decided elsewhere. There is no other clock than its own, nothing
 * waits for the outside, and so the same answers make the same run.
 */
export class Simulation {
  readonly seed: number;
  readonly decisions: Decisions;
  readonly trace: Trace;
  now: Ms;
  /** How far the clock has been moved forward by jumps. */
  jumped: Ms = 0;
  faults = 0;
  steps = 0;
  readonly #limit: number;
  readonly #left: { deaths: number; faults: number; jumps: number };
  #pending: Pending[] = [];
  #current: Process | undefined;
  readonly #processes: Process[] = [];
  #activity = 0;
  readonly #onDeath: ((process: Process) => void)[] = [];

  constructor(o: SimulationOptions) {
    this.seed = o.seed;
    this.decisions = o.decisions;
    this.now = o.startsAt;
    this.trace = new Trace(o.names);
    this.#left = { ...(o.risks ?? NO_RISKS) };
    this.#limit = o.limit ?? 60_000;
  }

  process(name: string): Process {
    const process = new Process(this, this.#processes.length + 1, name);
    this.#processes.push(process);
    return process;
  }

  onDeath(listener: (process: Process) => void): void {
    this.#onDeath.push(listener);
  }

  note(process: Process, text: string): void {
    this.trace.add(process.name, "note", text);
  }

  call<T>(process: Process, info: CallInfo, perform: () => T | Promise<T>): Promise<T> {
    if (!process.isAlive) return new Promise(() => {});
    if (process.isFree) return Promise.resolve().then(perform);
    if (info.matters === false && !this.#mayFail(info)) return Promise.resolve().then(perform);
    this.#activity++;
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ process, info, perform, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  sleep(process: Process, ms: Ms, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (process.isFree) {
      this.now += ms;
      return Promise.resolve();
    }
    this.#activity++;
    return new Promise<void>((resolve, reject) => {
      const pending: Pending = {
        process,
        info: { name: "sleep" },
        perform: () => {},
        resolve: resolve as (value: unknown) => void,
        reject,
        due: this.now + ms,
      };
      this.#pending.push(pending);
      signal?.addEventListener("abort", () => {
        const at = this.#pending.indexOf(pending);
        if (at < 0) return;
        this.#pending.splice(at, 1);
        reject(signal.reason);
      });
    });
  }

  /** Until none of the work is under way any more. */
  async run(work: readonly Promise<unknown>[]): Promise<void> {
    let under = work.length;
    for (const each of work) {
      const done = () => {
        under--;
        this.#activity++;
      };
      each.then(done, done);
    }
    await settled();
    let isSettled = true;
    while (under > 0) {
      if (++this.steps > this.#limit) throw new Error(`no end in sight after ${this.#limit} calls`);
      const next = this.#choose();
      if (!next) {
        if (isSettled) throw new Error("nobody can go on");
        await settled();
        isSettled = true;
        continue;
      }
      isSettled = false;
      const seen = this.#activity;
      await this.#complete(next);
      // Whoever was waiting goes on to its next call, by microtasks alone.
      for (let tick = 0; tick < 500 && this.#activity === seen; tick++) await undefined;
      if (this.#activity === seen) await settled();
    }
  }

  /** From now on nothing of it happens; who waits for it waits for ever. */
  kill(process: Process): void {
    this.trace.add(process.name, "note", "is killed");
    this.#end(process);
  }

  /** Nobody is left: all have done what they had to do. */
  exit(): void {
    for (const process of this.#processes) if (process.isAlive) this.#end(process);
  }

  #end(process: Process): void {
    process.isAlive = false;
    this.#pending = this.#pending.filter((pending) => pending.process !== process);
    this.#activity++;
    for (const listener of this.#onDeath) listener(process);
  }

  #choose(): Pending | undefined {
    const possible = this.#pending.filter(({ info }) => info.possible?.() ?? true);
    if (possible.length < 2) return possible[0];
    const rank = ({ process, due }: Pending) =>
      due !== undefined ? 1_000_000 + due - this.now : this.#distance(process.number);
    const ordered = possible.sort((a, b) => rank(a) - rank(b));
    const candidates = ordered.map(
      ({ process, due }): Candidate => ({
        process: process.number,
        isCurrent: process === this.#current,
        isSleep: due !== undefined,
      }),
    );
    return ordered[this.decisions.next(candidates)];
  }

  /** The current process first, then the others in turn. */
  #distance(number: number): number {
    const from = this.#current?.number ?? 0;
    return number >= from ? number - from : number - from + 1000;
  }

  async #complete(pending: Pending): Promise<void> {
    const { process, info, due } = pending;
    this.#current = process;
    const mishap = this.#mishap(pending);
    if (mishap?.kind === "jump") {
      this.now += mishap.ms;
      this.jumped += Math.max(0, mishap.ms);
      this.trace.add(process.name, "note", `the clock moves by ${mishap.ms / MINUTE} minutes`);
    }
    if (mishap?.kind === "death" && !mishap.after) return this.kill(process);
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    // A clock shows whole milliseconds.
    if (due !== undefined) this.now = Math.max(this.now, Math.ceil(due));
    const fault = mishap?.kind === "fault" ? mishap : undefined;
    this.trace.add(process.name, "call", textOf(info, fault));
    if (fault) {
      this.faults++;
      if (fault.after)
        await Promise.resolve()
          .then(pending.perform)
          .catch(() => {});
      pending.reject(fault.failure.error());
      return;
    }
    try {
      const value = await pending.perform();
      if (mishap?.kind === "death") return this.kill(process);
      pending.resolve(value);
    } catch (error) {
      if (mishap?.kind === "death") return this.kill(process);
      pending.reject(error);
    }
  }

  #mishap({ info, process }: Pending): Mishap | undefined {
    const { deaths, faults, jumps } = this.#left;
    const options: Mishap[] = [];
    if (deaths > 0) options.push({ kind: "death", after: false }, { kind: "death", after: true });
    if (faults > 0 && process.isAlive) {
      for (const failure of info.fails ?? []) {
        options.push({ kind: "fault", failure, after: false }, { kind: "fault", failure, after: true });
      }
    }
    if (jumps > 0) options.push(...JUMPS.map((ms): Mishap => ({ kind: "jump", ms })));
    if (options.length === 0) return undefined;
    const mishap = options[this.decisions.mishap(options.length) - 1];
    if (mishap?.kind === "death") this.#left.deaths--;
    if (mishap?.kind === "fault") this.#left.faults--;
    if (mishap?.kind === "jump") this.#left.jumps--;
    return mishap;
  }

  #mayFail({ fails }: CallInfo): boolean {
    return this.#left.faults > 0 && (fails?.length ?? 0) > 0;
  }
}

function textOf({ name, on }: CallInfo, fault: Extract<Mishap, { kind: "fault" }> | undefined): string {
  const failed = fault ? ` ${fault.after ? "is done, and fails" : "fails"} with ${fault.failure.code}` : "";
  return `${name}${on === undefined ? "" : ` ${on}`}${failed}`;
}

/** Until everything that is not waiting for a call has come to rest. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
