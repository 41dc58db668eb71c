import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { text } from "node:stream/consumers";

/** What a whole process has cost. */
export interface Cost {
  /** Milliseconds from its start to its end. */
  readonly wall: number;
  /** Milliseconds of all processors, the kernel's part included. */
  readonly cpu: number;
  /** Bytes that it has held at the most. */
  readonly memory: number;
  /** What it has said of itself, in milliseconds for the most part. */
  readonly inside?: Inside | undefined;
}

export type Inside = Readonly<Record<string, number>>;

export interface MeasureOptions {
  /** A file that may be made and goes again. */
  readonly scratch: string;
  /** Milliseconds after which it is ended. */
  readonly limit: number;
  readonly env?: NodeJS.ProcessEnv;
  /** It says itself how long the part took that counts, as `{"ms":…}`. */
  readonly isTimedInside?: boolean | undefined;
}

/** It failed, or has taken longer than it may. */
export class MeasureError extends Error {
  /** In a line. */
  readonly reason: string;
  readonly isTooLong: boolean;

  constructor(reason: string, command: string, isTooLong: boolean) {
    super(`${command}: ${reason}`);
    this.reason = reason;
    this.isTooLong = isTooLong;
  }
}

/** @throws {@link MeasureError} */
export async function measure(argv: readonly string[], o: MeasureOptions): Promise<Cost> {
  // In a group of its own, so that the limit ends all that it has started.
  const began = performance.now();
  const child = spawn("time", ["-f", "%U %S %M", "-o", o.scratch, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, ...o.env },
  });
  let isTooLong = false;
  const kill = () => process.kill(-child.pid!, "SIGKILL");
  process.once("exit", kill);
  const timer = setTimeout(() => {
    isTooLong = true;
    kill();
  }, o.limit);
  const ended = once(child, "close").then(([code]) => ({ code, wall: performance.now() - began }));
  const [{ code, wall }, said, complained] = await Promise.all([ended, text(child.stdout!), text(child.stderr!)]);
  clearTimeout(timer);
  process.off("exit", kill);
  const failure = isTooLong ? `more than ${o.limit / 1000} s` : complained.trim().split("\n").at(-1);
  if (isTooLong || code !== 0) throw new MeasureError(failure || `ended with ${code}`, argv.join(" "), isTooLong);
  const line = (await readFile(o.scratch, "utf8")).trim().split("\n").at(-1) ?? "";
  await rm(o.scratch);
  const [user = 0, system = 0, kilobytes = 0] = line.split(" ").map(Number);
  const spent = { cpu: (user + system) * 1000, memory: kilobytes * 1024 };
  if (!o.isTimedInside) return { wall, ...spent };
  const inside = JSON.parse(said) as Inside;
  return { wall: inside.ms!, ...spent, inside };
}

/** Of each part the one in the middle. */
export function median(costs: readonly Cost[]): Cost {
  const middle = (part: (cost: Cost) => number) => {
    const sorted = costs.map(part).sort((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)]!;
  };
  const names = Object.keys(costs[0]!.inside ?? {});
  const inside = Object.fromEntries(names.map((name) => [name, middle((cost) => cost.inside![name]!)]));
  return {
    wall: middle(({ wall }) => wall),
    cpu: middle(({ cpu }) => cpu),
    memory: middle(({ memory }) => memory),
    ...(names.length > 0 && { inside }),
  };
}
