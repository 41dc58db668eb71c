import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import { nodeFileSystem } from "../../src/files/node-file-system.ts";
import type { Lock } from "../../src/lock/lock.ts";
import type { Liveness } from "../../src/lock/owner.ts";
import { UploadLocks } from "../../src/lock/upload-locks.ts";
import { names } from "../support/bytes.ts";
import { FakeProcesses } from "../support/fake-processes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { realPlace } from "../support/file-systems.ts";

async function place() {
  const { directory } = await realPlace();
  const path = join(directory, ".u.lock");
  const processes = new FakeProcesses();
  const fs = faultyFileSystem(nodeFileSystem());
  let holds = 0;
  const lock: Lock = {
    acquire: async () => {
      holds += 1;
      return async () => {};
    },
  };
  const of = (pid: number, kernel: boolean) => {
    const locks = new UploadLocks(fs, systemEnvironment, { probe: processes.probe(pid), lock, kernel });
    return { locks, take: () => locks.take(path, { temp: join(directory, `.u.lock.${pid}`) }) };
  };
  return { directory, path, processes, fs, of, holds: () => holds };
}

const locked = (pid: number) => ({
  code: "LOCKED",
  data: { holders: [expect.stringContaining(`process ${pid} on `)] },
});

test.each([
  [true, false],
  [false, true],
  [true, true],
  [false, false],
])("one with the kernel's help (%s) and one (%s) exclude each other", async (theirs, ours) => {
  const { directory, fs, of, holds } = await place();
  const first = await of(1, theirs).take();
  await expect(of(2, ours).take()).rejects.toMatchObject(locked(1));
  await first.release();
  await (await of(2, ours).take()).release();
  expect(await names(fs, directory)).toEqual([]);
  expect(fs.openHandles).toBe(0);
  // The store's lock is only for breaking.
  expect(holds()).toBe(0);
});

test.each<[Liveness, boolean, boolean, boolean]>([
  ["dead", false, false, true],
  ["dead", true, true, true],
  ["alive", false, true, false],
  ["elsewhere", false, true, false],
  ["elsewhere", true, false, false],
  // Its kernel's lock is free, though nobody here can see the process.
  ["elsewhere", true, true, true],
])("of an owner that is %s, with the kernel's help %s, by one with it %s: taken over %s", async (...row) => {
  const [liveness, theirs, ours, isTaken] = row;
  const { path, processes, fs, of, holds } = await place();
  const [mine, left] = [of(2, ours), of(1, theirs)];
  const lock = await left.take();
  // What a killed process leaves: the record stays, its open file does not.
  fs.arm({ at: ({ name }) => name === "unlink", code: "EIO" });
  await expect(lock.release()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  const record = await readFile(path, "utf8");
  await writeFile(path, record.replace(/"token":"[0-9a-f]{4}/, '"token":"0000'));
  processes.liveness.set(1, liveness);
  if (isTaken) await (await mine.take()).release();
  else await expect(mine.take()).rejects.toMatchObject(locked(1));
  expect(holds()).toBe(isTaken ? 1 : 0);
  expect(fs.openHandles).toBe(0);
});

test.each([
  [false, ["write", "sync", "close"]],
  [true, ["write"]],
])(
  "a record with the kernel's help (%s) is durable before it has its name where it has none",
  async (kernel, wanted) => {
    const { fs, of } = await place();
    await of(1, kernel).take();
    const made = fs.calls.map(({ name }) => name);
    expect(made.slice(made.indexOf("write"), made.indexOf("link"))).toEqual(wanted);
  },
);

test("an owner that cannot be seen and has the kernel's lock is alive", async () => {
  const { processes, of } = await place();
  const lock = await of(1, true).take();
  processes.liveness.set(1, "elsewhere");
  await expect(of(2, true).take()).rejects.toMatchObject(locked(1));
  await lock.release();
});

test("a record that its own process could not remove is no lock any more", async () => {
  const { fs, of } = await place();
  const lock = await of(1, false).take();
  fs.arm({ at: ({ name }) => name === "unlink", code: "EIO" });
  await expect(lock.release()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await (await of(1, false).take()).release();
});

test("who breaks looks again: what somebody else has taken meanwhile stays", async () => {
  const { directory, path, processes } = await place();
  const fs = nodeFileSystem();
  const options = (pid: number) => ({ probe: processes.probe(pid), kernel: false });
  const idle: Lock = { acquire: async () => async () => {} };
  const temp = (pid: number) => ({ temp: join(directory, `.u.lock.${pid}`) });
  await new UploadLocks(fs, systemEnvironment, { ...options(1), lock: idle }).take(path, temp(1));
  processes.liveness.set(1, "dead");
  const faster = new UploadLocks(fs, systemEnvironment, { ...options(2), lock: idle });
  // The slow one has judged, and waits for the store's lock while another breaks and takes.
  const waiting: Lock = {
    acquire: async () => {
      await faster.take(path, temp(2));
      return async () => {};
    },
  };
  const slow = new UploadLocks(fs, systemEnvironment, { ...options(3), lock: waiting });
  await expect(slow.take(path, temp(3))).rejects.toMatchObject(locked(2));
  expect(await faster.holder(path)).toMatch(/^process 2 on /);
});
