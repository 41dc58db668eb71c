import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { systemEnvironment } from "@ocistore/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import { type OpenLockOptions, openLock } from "../../src/lock/choose-lock.ts";
import type { OwnerProbe } from "../../src/lock/owner.ts";
import { processProbe } from "../../src/lock/process-owner.ts";
import { compiled } from "../support/compiled.ts";
import { realPlace } from "../support/file-systems.ts";
import type { LockTask } from "../support/lock-child.ts";

let build: Awaited<ReturnType<typeof compiled>>;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  build = await compiled();
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
});
afterAll(() => build?.remove());

function start(task: LockTask): ChildProcess {
  const script = join(build.directory, "test/support/lock-child.js");
  const child = spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ["pipe", "pipe", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Starts a process that takes the lock and keeps it, and resolves with what it says. */
async function hold(task: LockTask): Promise<{ child: ChildProcess; said: string }> {
  const child = start({ ...task, hold: true });
  const [said] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, said };
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

const lockHere = (path: string, o?: OpenLockOptions) => openLock(nodeFileSystem(), path, systemEnvironment, o);
/** Knows nothing of any process but itself, as in another container. */
const blind: OwnerProbe = { self: () => processProbe().self(), liveness: async () => "elsewhere" };
const lockedBy = (child: ChildProcess) => ({
  code: "LOCKED",
  data: { holders: [expect.stringContaining(`process ${child.pid} on `)] },
});

test("the kernel frees the lock of a process that was killed, for one that cannot see it", async () => {
  const path = join((await realPlace()).directory, "lock");
  const { child } = await hold({ path, kind: "kernel" });
  const lock = await lockHere(path, { kind: "kernel", probe: blind });
  await expect(lock.acquire({ wait: 0 })).rejects.toMatchObject(lockedBy(child));
  const waiting = lock.acquire();
  await kill(child);
  await (await waiting)();
});

test("who deletes the kernel's lock file makes nobody a second holder", async () => {
  const path = join((await realPlace()).directory, "lock");
  const { child } = await hold({ path, kind: "kernel" });
  await unlink(join(path, "kernel"));
  const lock = await lockHere(path, { kind: "kernel", probe: blind });
  await expect(lock.acquire({ wait: 20 })).rejects.toMatchObject(lockedBy(child));
});

test("a lock on a file that somebody has deleted meanwhile is not the one that others will ask for", async () => {
  const path = join((await realPlace()).directory, "lock");
  const file = join(path, "kernel");
  const fs = nodeFileSystem();
  let deleted = 0;
  const open: typeof fs.open = async (name, ...rest) => {
    const handle = await fs.open(name, ...rest);
    if (name === file && rest[0] === "r+" && deleted++ === 0) await unlink(file);
    return handle;
  };
  const lock = await openLock({ ...fs, open }, path, systemEnvironment, { kind: "kernel" });
  const release = await lock.acquire();
  expect(deleted).toBe(2);
  expect(await fs.lstat(file)).toMatchObject({ kind: "file" });
  await release();
});

test("without the kernel, the lock of such a process stays, and a person can break it", async () => {
  const { directory } = await realPlace();
  const path = join(directory, "it's a lock");
  const { child } = await hold({ path, kind: "link" });
  await kill(child);
  const lock = await lockHere(path, { kind: "link", probe: blind });
  const error = await lock.acquire({ wait: 0 }).catch((reason) => reason);
  expect(error).toMatchObject(lockedBy(child));
  const command = /if it is gone for certain: (.*)$/.exec(error.data.holders[0])![1]!;
  await once(spawn("sh", ["-c", command], { stdio: "inherit" }), "exit");
  await (await lock.acquire({ wait: 0 }))();
});

test.each([["link"], ["kernel"], [undefined]] as const)(
  "exactly one of several takes over from a dead process (%s)",
  async (kind) => {
    const path = join((await realPlace()).directory, "lock");
    const { child } = await hold({ path, kind: kind ?? "link" });
    await kill(child);
    const options = kind === undefined ? {} : { kind };
    const tried = await Promise.all([0, 1, 2, 3].map(() => hold({ path, ...options, wait: 50 })));
    expect(tried.map(({ said }) => said).sort()).toEqual(["held", "locked", "locked", "locked"]);
  },
);

test.each([
  ["kernel", "link"],
  ["link", "kernel"],
] as const)("%s excludes %s", async (theirs, ours) => {
  const path = join((await realPlace()).directory, "lock");
  const { child } = await hold({ path, kind: theirs });
  const lock = await lockHere(path, { kind: ours });
  await expect(lock.acquire({ wait: 20 })).rejects.toMatchObject(lockedBy(child));
  const waiting = lock.acquire();
  await kill(child);
  await (await waiting)();
});

test.each([
  ["kernel", ["kernel", "kernel", "kernel", "kernel"]],
  ["link", ["link", "link", "link", "link"]],
  ["mixed", ["kernel", "link", "kernel", "link"]],
] as const)("no count is lost when several processes count (%s)", async (_, kinds) => {
  const { directory } = await realPlace();
  const [path, counter] = [join(directory, "lock"), join(directory, "counter")];
  await writeFile(counter, "0");
  const exits = kinds.map((kind) => once(start({ path, kind, counter, rounds: 50 }), "exit"));
  expect((await Promise.all(exits)).map(([code]) => code)).toEqual([0, 0, 0, 0]);
  expect(await readFile(counter, "utf8")).toBe("200");
});

test("what the system says of processes", async () => {
  const probe = processProbe();
  const self = await probe.self();
  expect(self.pid).toBe(process.pid);
  expect(await probe.liveness(self)).toBe("alive");
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "inherit"] });
  children.add(child);
  const { start: _, ...unknownStart } = { ...self, pid: child.pid! };
  expect(await probe.liveness(unknownStart)).toBe("alive");
  for (const elsewhere of [{ host: "other" }, { boot: "other" }, { namespace: "other" }, { namespace: undefined }]) {
    if (elsewhere.namespace === undefined && self.namespace === undefined) continue;
    expect(await probe.liveness({ ...self, ...elsewhere })).toBe("elsewhere");
  }
  if (self.start !== undefined) expect(await probe.liveness({ ...self, start: "1" })).toBe("dead");
  await kill(child);
  expect(await probe.liveness(unknownStart)).toBe("dead");
});
