import { writeSync } from "node:fs";
import { steps, storeAt } from "./crash-store.ts";

/** What this script, a process of its own, is told in its first argument. */
export interface CrashTask {
  readonly scenario: string;
  readonly directory: string;
  readonly ahead: number;
  /** Where better-sqlite3 is: this script lies where that is not found. */
  readonly sqlite: string;
}

const { scenario, directory, ahead, sqlite }: CrashTask = JSON.parse(process.argv[2]!);
const { default: SQLite } = await import(sqlite);
const store = await storeAt(directory, (file) => new SQLite(file), ahead);

// At once, and not when Node gets to it: each line is something that has been acknowledged.
const say = (line: string) => writeSync(1, `${line}\n`);

say("ready");
await new Promise((resolve) => process.stdin.once("data", resolve));
for (const step of steps[scenario]!) {
  await step(store);
  say("acknowledged");
}
process.stdin.destroy();
