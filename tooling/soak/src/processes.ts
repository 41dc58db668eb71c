import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { clock } from "./journal.ts";
import type { Task } from "./worker.ts";

// Built, whichever of the two this file is: a child process runs no TypeScript.
const SCRIPT = fileURLToPath(new URL("../dist/worker.js", import.meta.url));

export interface Process {
  readonly name: string;
  /** Resolves with the time of its death. */
  kill(): Promise<number>;
  /** Lets it finish what it is at. */
  stop(): Promise<void>;
}

/** Longer than any of its operations takes, on any machine. */
const PATIENCE = 120_000;

export function start(task: Task, onFault: (fault: string) => void): Process {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(task)], { stdio: ["pipe", "ignore", "pipe"] });
  // What else this machine has to do goes first.
  if (child.pid !== undefined) setPriority(child.pid, 10);
  const { name } = task;
  const said: Buffer[] = [];
  child.stderr!.on("data", (chunk) => said.push(chunk));
  // One that is killed does not read what it is told.
  child.stdin!.on("error", () => {});
  let isOver = false;
  const ended = closed(child).then(({ code, signal }) => {
    const isExpected = isOver && (signal === "SIGKILL" || code === 0);
    if (!isExpected) onFault(`${name} ended with ${signal ?? code}: ${Buffer.concat(said)}`);
    return clock();
  });
  return {
    name,
    kill: () => {
      isOver = true;
      child.kill("SIGKILL");
      return ended;
    },
    stop: async () => {
      isOver = true;
      child.stdin!.write("stop\n");
      const stuck = setTimeout(() => {
        onFault(`${name} did not end`);
        child.kill("SIGKILL");
      }, PATIENCE);
      await ended;
      clearTimeout(stuck);
    },
  };
}

async function closed(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  const [code, signal] = await once(child, "close");
  return { code, signal };
}
