import { writeSync } from "node:fs";
import { nodeFileSystem, openLock } from "@ocistore/backend-fs";
import { scenarios } from "../scenarios.ts";
import { Clock, Process } from "../world.ts";

/** What this script, a process of its own, is told in its first argument. */
export interface Task {
  readonly scenario: string;
  readonly directory: string;
  /** By which its clock is ahead. */
  readonly ahead: number;
}

const { scenario: name, directory, ahead }: Task = JSON.parse(process.argv[2]!);
const scenario = scenarios.find((each) => each.name === name)!;
const clock = new Clock(Date.now, process.pid, ahead);
const here = new Process({ directory, clock, fileSystem: () => nodeFileSystem(), lock: "real" });
// The kernel's locks are loaded before anybody counts: that opens files, and not of the layout.
await openLock(nodeFileSystem(), directory, clock);

// At once, and not when Node gets to it: each line is something that has been acknowledged.
const say = (line: string) => writeSync(1, `${line}\n`);

say("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
for (const step of scenario.steps) {
  await step.run(here);
  say("acknowledged");
}
process.stdin.destroy();
