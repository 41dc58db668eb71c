import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Task } from "./child.ts";

/** What changes a file or a directory, or makes a change durable, under the names that Linux has on one machine or another. */
const CALLS = [
  ...["openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "utimensat", "fchmod"],
  ...[
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chmod",
    "fchmodat",
  ],
];

/** One of its kind: strace counts the calls of each name. */
export interface SystemCall {
  readonly name: string;
  readonly count: number;
  readonly text: string;
}

const STRACE = "strace";

export function hasStrace(): boolean {
  return spawnSync(STRACE, ["-V"]).status === 0;
}

/** The calls of a task that change something in its directory, in their order. */
export async function callsOf(script: string, task: Task, log: string): Promise<readonly SystemCall[]> {
  const { signal, code } = await run(script, task, [
    "-y",
    "-s",
    "0",
    "-e",
    `trace=${CALLS.map((name) => `?${name}`).join()}`,
    "-o",
    log,
  ]);
  if (code !== 0) throw new Error(`${task.scenario} ended with ${signal ?? code}`);
  const counts = new Map<string, number>();
  const calls: SystemCall[] = [];
  for (const line of (await readFile(log, "utf8")).split("\n")) {
    const [, thread, name, rest] = /^(\d+) +(\w+)\((.*)/.exec(line) ?? [];
    if (name === undefined || rest === undefined) continue;
    const count = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, count);
    if (!rest.includes(task.directory) || (name === "openat" && !rest.includes("O_CREAT"))) continue;
    calls.push({ name, count, text: `${name}(${rest.replaceAll(task.directory, "")}` });
  }
  return calls;
}

/** Kills the process of a task before one of its calls; how many steps it had acknowledged, and whether it came to that. */
export async function killedAt(
  script: string,
  task: Task,
  { name, count }: SystemCall,
): Promise<{ readonly acknowledged: number; readonly isKilled: boolean }> {
  const injection = ["-e", `trace=${name}`, "-e", `inject=${name}:signal=KILL:when=${count}`, "-o", "/dev/null"];
  const { acknowledged, signal } = await run(script, task, injection);
  return { acknowledged, isKilled: signal === "SIGKILL" };
}

interface Ended {
  readonly acknowledged: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** All file calls of Node are made by one thread, so that their order is that of the program. */
async function run(script: string, task: Task, o: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, UV_THREADPOOL_SIZE: "1", NODE_OPTIONS: "" },
  });
  const said = lines(child);
  await said.wait(1);
  // Watched only now, so that what Node does to start is not counted.
  const strace = spawn(STRACE, ["-f", "-p", String(child.pid), ...o], { stdio: ["ignore", "ignore", "pipe"] });
  const detached = once(strace, "close");
  await attached(strace);
  const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  child.stdin!.on("error", () => {});
  child.stdin!.write("go\n");
  const [code, signal] = await ended;
  await detached;
  return { acknowledged: said.count() - 1, code, signal };
}

function lines(child: ChildProcess): { count(): number; wait(count: number): Promise<void> } {
  let said = 0;
  let look = () => {};
  createInterface(child.stdout!).on("line", () => {
    said++;
    look();
  });
  return {
    count: () => said,
    wait: (count) =>
      new Promise((resolve) => {
        look = () => said >= count && resolve();
        look();
      }),
  };
}

/** strace says so when it has got hold of all threads. */
function attached(strace: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    strace.stderr!.on("data", (text) => {
      said += text;
      if (/attached/.test(said)) resolve();
    });
    strace.once("close", () => reject(new Error(`strace ended: ${said}`)));
  });
}
