import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Digest, isOciStoreError, type Store, systemEnvironment } from "@ocistore/core";
import { Chance } from "./chance.ts";
import { collecting } from "./collecting.ts";
import { Journal } from "./journal.ts";
import { openSoaked } from "./open.ts";
import { DropWatch, readOnce } from "./read.ts";
import { takeOver, type Worker, workOnce } from "./work.ts";

/** What this script, a process of its own, is told to do, as JSON in its first argument. */
export interface Task {
  readonly directory: string;
  /** A directory; the file has the name of the process. */
  readonly journals: string;
  readonly name: string;
  readonly seed: number;
  /** A tool that honours no lock is at work too. */
  readonly foreign: boolean;
  readonly role: "read" | "watch" | Pick<Worker, "slot" | "incarnation" | "grace" | "window" | "duty">;
  /** Of the layout, in milliseconds. */
  readonly policyGrace: number;
}

/** skopeo empties the file of a manifest that is there already, and then writes it again: who looks between the two finds nothing in it. */
async function isWholeByNow(store: Store, error: unknown): Promise<boolean> {
  if (!isOciStoreError(error, "CORRUPT") || error.data.digest === undefined) return false;
  await systemEnvironment.sleep(1000);
  try {
    for await (const _ of store.repository().blob(error.data.digest as Digest));
    return true;
  } catch (again) {
    // Gone by now, or never whole: what was read then is for nobody to say.
    return isOciStoreError(again, "NOT_FOUND");
  }
}

async function run({ directory, journals, name, seed, foreign, role, policyGrace }: Task): Promise<void> {
  let stopped = false;
  process.stdin.on("data", () => {
    stopped = true;
  });
  // Nobody is left to stop it.
  process.stdin.on("end", () => process.exit(1));
  const journal = new Journal(join(journals, `${name}.jsonl`));
  const chance = new Chance(seed);
  const store = await openSoaked(directory);
  const once = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      // Half of an index.json, for longer than anybody waits for the rest.
      const isHalf = error instanceof SyntaxError || isOciStoreError(error, "LAYOUT_INVALID");
      if (!foreign || !(isHalf || (await isWholeByNow(store, error)))) throw error;
    }
  };

  if (typeof role === "object") {
    const worker: Worker = { store, directory, journal, chance, ...role };
    if (role.incarnation > 0) await once(() => takeOver(worker));
    if (role.duty === "collect") {
      const end = collecting(worker);
      while (!stopped) await systemEnvironment.sleep(50);
      await end();
    }
    while (!stopped) await once(() => workOnce(worker));
  } else {
    const reader = { repository: store.repository(), directory, journal, chance };
    const watch = new DropWatch(reader, policyGrace);
    const others = () => readdirSync(journals).filter((file) => file.startsWith("worker"));
    while (!stopped) {
      if (role === "read") await once(() => readOnce(reader));
      else await once(() => watch.look(others().map((file) => join(journals, file))));
      await systemEnvironment.sleep(role === "read" ? chance.below(20) : 100);
    }
  }
  await store.close();
  process.stdin.destroy();
}

await run(JSON.parse(process.argv[2]!));
