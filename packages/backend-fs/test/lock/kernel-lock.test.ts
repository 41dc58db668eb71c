import { join } from "node:path";
import { expect, test } from "vitest";
import { enterKernelLock, loadFileLocks } from "../../src/lock/kernel-lock.ts";
import { Patience } from "../../src/lock/patience.ts";
import { fakeEnvironment } from "../support/fake-processes.ts";
import { realPlace } from "../support/file-systems.ts";

const locks = await loadFileLocks().catch(() => undefined);

// musl has no binary of it.
test.runIf(locks)(
  "a lock that the kernel has given to another is waited for, and is had when that has gone",
  async () => {
    const { fs, directory } = await realPlace();
    const path = join(directory, "kernel");
    const env = fakeEnvironment();
    const holder = { text: "another", known: true, turn: "1" };
    const enter = (wait: number) =>
      enterKernelLock(fs, path, locks!, new Patience(env, path, { wait }), async () => holder);
    const first = (await enter(0))!;
    await expect(enter(1000)).rejects.toMatchObject({ code: "LOCKED", data: { holders: ["another"] } });
    expect(env.slept).toBeGreaterThanOrEqual(1000);
    await first.leave();
    const second = (await enter(0))!;
    expect(second.lock).toBe(first.lock);
    await second.leave();
  },
);
