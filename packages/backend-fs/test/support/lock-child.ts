import { readFile, writeFile } from "node:fs/promises";
import { isOciStoreError, systemEnvironment } from "@ocistore/core";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { openLock } from "../../src/lock/choose-lock.ts";

/** What this script, a process of its own, is told to do, as JSON in its first argument. */
export interface LockTask {
  readonly path: string;
  readonly kind?: "kernel" | "link";
  /** Take the lock, say so and keep it until killed; with `wait`, say `locked` if that is too long. */
  readonly hold?: boolean;
  readonly wait?: number;
  /** Add 1 to the number in this file so many times, each time under the lock. */
  readonly counter?: string;
  readonly rounds?: number;
}

async function run(task: LockTask): Promise<void> {
  const lock = await openLock(nodeFileSystem(), task.path, systemEnvironment, { kind: task.kind });
  if (task.hold) {
    try {
      await lock.acquire({ wait: task.wait });
      process.stdout.write("held\n");
    } catch (error) {
      if (!isOciStoreError(error, "LOCKED")) throw error;
      process.stdout.write("locked\n");
    }
    process.stdin.resume(); // alive until killed, or until the parent is gone
    return;
  }
  for (let round = 0; round < (task.rounds ?? 0); round++) {
    const release = await lock.acquire();
    const count = Number(await readFile(task.counter!, "utf8"));
    await writeFile(task.counter!, String(count + 1));
    await release();
  }
}

await run(JSON.parse(process.argv[2]!));
