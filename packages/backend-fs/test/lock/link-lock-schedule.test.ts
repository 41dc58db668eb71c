import { expect, test } from "vitest";
import type { Pass } from "../../src/lock/kernel-lock.ts";
import { linkLock } from "../../src/lock/link-lock.ts";
import type { Owner, OwnerProbe } from "../../src/lock/owner.ts";
import { memoryFileSystem } from "../support/memory-file-system.ts";
import { Schedule } from "../support/schedule.ts";

interface Scenario {
  readonly processes: number;
  readonly rounds: number;
  /** How many are killed, at any moment. */
  readonly deaths: number;
  /** Which processes have the kernel's help. */
  readonly kernel: (process: number) => boolean;
  /** Processes cannot see each other, as in containers; only the kernel's help can tell who is dead. */
  readonly apart?: boolean;
}

/** Runs them all; fails if two ever hold the lock at once, or if one that lives does not get it. */
async function play(seed: number, scenario: Scenario): Promise<{ numbers: number; files: number }> {
  const schedule = new Schedule(seed);
  const inner = memoryFileSystem();
  await inner.mkdir("/store");
  const holding = new Set<number>();
  let kernelHolder: number | undefined;
  const finished = new Set<number>();
  const failures: unknown[] = [];

  async function live(process: number): Promise<void> {
    const fs = schedule.fileSystem(inner, process);
    const env = schedule.environment(process);
    const owner: Owner = { pid: process + 1, host: "host", namespace: scenario.apart ? `${process}` : "all" };
    const probe: OwnerProbe = {
      self: async () => owner,
      liveness: async ({ pid }) => {
        if (scenario.apart) return "elsewhere";
        return schedule.dead.has(pid - 1) ? "dead" : "alive";
      },
    };
    const pass: Pass = {
      lock: "k",
      leave: async () => {
        if (kernelHolder === process) kernelHolder = undefined;
      },
    };
    const lock = linkLock(fs, "/store/lock", env, {
      probe,
      keep: 2,
      kernel: scenario.kernel(process)
        ? async (patience, busy) => {
            while (kernelHolder !== undefined && !schedule.dead.has(kernelHolder)) await patience.pause(await busy());
            kernelHolder = process;
            return pass;
          }
        : undefined,
    });
    for (let round = 0; round < scenario.rounds; round++) {
      const release = await lock.acquire();
      holding.add(process);
      const alive = [...holding].filter((other) => !schedule.dead.has(other));
      if (alive.length > 1) throw new Error(`held by ${alive.join(" and ")} at once`);
      await schedule.turn(process);
      holding.delete(process);
      await release();
    }
    finished.add(process);
  }

  const all = Array.from({ length: scenario.processes }, (_, process) => process);
  for (const process of all) live(process).catch((error) => failures.push(error));
  let deaths = scenario.deaths;
  await new Promise((resolve) => setImmediate(resolve));
  await schedule.run(() => {
    if (failures.length > 0) throw failures[0];
    if (deaths === 0 || schedule.random() > 0.005) return;
    deaths--;
    const candidates = all.filter((process) => !schedule.dead.has(process) && !finished.has(process));
    const victim = candidates[Math.floor(schedule.random() * candidates.length)];
    if (victim !== undefined) schedule.kill(victim);
  });
  if (failures.length > 0) throw failures[0];
  expect(finished.size + [...schedule.dead].filter((process) => !finished.has(process)).length).toBe(all.length);
  const names = inner.volume.readdirSync("/store/lock") as string[];
  return { numbers: Math.max(...names.map((name) => Number(name) || 0)), files: names.length };
}

const none = () => false;
const every = () => true;
const odd = (process: number) => process % 2 === 1;
const RUNS = Number(process.env.OCISTORE_RUNS ?? 60);

test.each<[string, Scenario]>([
  ["two", { processes: 2, rounds: 8, deaths: 0, kernel: none }],
  ["four, of whom two die", { processes: 4, rounds: 5, deaths: 2, kernel: none }],
  ["with the kernel's help, two die", { processes: 4, rounds: 5, deaths: 2, kernel: every }],
  ["half of them with the kernel's help, two die", { processes: 4, rounds: 5, deaths: 2, kernel: odd }],
  ["containers on one kernel, two die", { processes: 4, rounds: 4, deaths: 2, kernel: every, apart: true }],
])("one at a time in any order of calls: %s", async (_, scenario) => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const { numbers, files } = await play(seed, scenario).catch((error) => {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    });
    expect(numbers).toBeGreaterThan(0);
    expect(files).toBeLessThan(12);
  }
});
