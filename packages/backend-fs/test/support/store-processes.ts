import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll } from "vitest";
import { compiled } from "./compiled.ts";
import type { StoreTask } from "./store-child.ts";

export interface StoreProcess {
  /** What it has said so far, line by line. */
  readonly said: string[];
  /** When it has said so many lines, or has ended. */
  saying(count: number): Promise<void>;
  /** Its exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  stop(): void;
  kill(): void;
}

/** For a test file that runs stores in processes of their own. */
export function storeProcesses(): (task: StoreTask) => StoreProcess {
  let build: Awaited<ReturnType<typeof compiled>>;
  const children = new Set<ChildProcess>();
  beforeAll(async () => {
    build = await compiled();
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
  });
  afterAll(() => build?.remove());

  return (task) => {
    const script = join(build.directory, "test/support/store-child.js");
    const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
    children.add(child);
    const said: string[] = [];
    const waiting = new Set<() => void>();
    createInterface(child.stdout!).on("line", (line) => {
      said.push(line);
      for (const look of waiting) look();
    });
    // What a killed process has said may still be in the pipe; `close` comes after that.
    const ended = once(child, "close").then(([code, signal]) => {
      children.delete(child);
      return (signal ?? code) as number | NodeJS.Signals;
    });
    // One that is killed does not read what it is told.
    child.stdin!.on("error", () => {});
    const saying = (count: number) =>
      Promise.race([
        ended.then(() => {}),
        new Promise<void>((resolve) => {
          const look = () => {
            if (said.length < count) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
      ]);
    return { said, saying, ended, stop: () => child.stdin!.write("stop\n"), kill: () => child.kill("SIGKILL") };
  };
}
