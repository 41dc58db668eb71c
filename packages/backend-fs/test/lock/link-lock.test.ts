import { join } from "node:path";
import { isOciStoreError, systemEnvironment } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../src/files/file-system.ts";
import { type LinkLockOptions, linkLock } from "../../src/lock/link-lock.ts";
import type { Lock } from "../../src/lock/lock.ts";
import { encodeRecord } from "../../src/lock/record.ts";
import { names, put, text } from "../support/bytes.ts";
import { FakeProcesses, fakeEnvironment } from "../support/fake-processes.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { memoryPlace, type Place, places } from "../support/file-systems.ts";

const numbered = (number: number) => String(number).padStart(16, "0");

async function lockPlace(place: Place, processes = new FakeProcesses()) {
  const directory = join(place.directory, "lock");
  const env = fakeEnvironment();
  /** The lock as the process of this pid has it. */
  const as = (pid: number, o: Partial<LinkLockOptions> = {}, fs: FileSystem = place.fs): Lock =>
    linkLock(fs, directory, env, { probe: processes.probe(pid), ...o });
  return { directory, env, processes, as, path: (number: number) => join(directory, numbered(number)) };
}

describe.each(places)("the numbered lock (%s)", (_, place) => {
  test("excludes, tells who holds it, and is free again after the release", async () => {
    const { as, directory } = await lockPlace(await place());
    const release = await as(1).acquire();
    const locked = as(2).acquire({ wait: 0 });
    await expect(locked).rejects.toMatchObject({
      code: "LOCKED",
      data: { path: directory, holders: ["process 1 on host-a"] },
    });
    await release();
    await release(); // does nothing
    await (await as(2).acquire({ wait: 0 }))();
  });

  test("a dead owner's lock is taken over, a living one's never", async () => {
    const { as, processes, env } = await lockPlace(await place());
    await as(1).acquire();
    await expect(as(2).acquire({ wait: 10_000 })).rejects.toMatchObject({ code: "LOCKED" });
    expect(env.slept).toBeGreaterThanOrEqual(10_000);
    processes.liveness.set(1, "dead");
    const release = await as(2).acquire({ wait: 0 });
    await expect(as(3).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
    await release();
  });

  test("an owner that cannot be watched counts as alive, is waited for 30 s, and can be broken by hand", async () => {
    const where = await place();
    const { as, processes, env, path } = await lockPlace(where);
    const release = await as(1).acquire();
    processes.liveness.set(1, "elsewhere");
    const error = await as(2)
      .acquire()
      .catch((reason) => reason);
    expect(isOciStoreError(error, "LOCKED")).toBe(true);
    expect(error.data.holders[0]).toMatch(
      /^process 1 on host-a, which cannot be watched from here; .*: echo free > '.*1'$/,
    );
    expect(env.slept).toBeCloseTo(30_000, -1);
    await where.fs.unlink(path(1));
    await put(where.fs, path(1), "free\n");
    const next = await as(2).acquire({ wait: 0 });
    await expect(release()).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(as(3).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
    await next();
  });

  test("a record that says nothing is nobody's leave to go on, unless the kernel's lock is held", async () => {
    for (const [content, kernelHelps] of [
      ["", true],
      ["\0\0\0\0", true],
      ["held {", false],
      ["v2 x", false],
    ] as const) {
      const where = await place();
      const { as, directory, path } = await lockPlace(where);
      await where.fs.mkdir(directory);
      await put(where.fs, path(5), content);
      await expect(as(1).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
      const helped = as(1, { kernel: async () => ({ lock: "k", leave: async () => {} }) }).acquire({ wait: 0 });
      if (kernelHelps) await (await helped)();
      else await expect(helped).rejects.toMatchObject({ code: "LOCKED" });
    }
  });

  test("old records are tidied away, the newest never", async () => {
    const where = await place();
    const { as, directory } = await lockPlace(where);
    for (let i = 1; i <= 10; i++) {
      await put(where.fs, join(directory, `${numbered(i)}.abc`), "left over").catch(() => undefined);
      await (await as(1, { keep: 3 }).acquire())();
    }
    expect(await names(where.fs, directory)).toEqual([numbered(10), `${numbered(10)}.abc`, "floor"]);
    expect(await text(where.fs, join(directory, "floor"))).toBe(`${numbered(9)}\n`);
    await (await as(1).acquire())();
    expect(await names(where.fs, directory)).toContain(numbered(11));
  });
});

test("the kernel's lock proves an owner of the same machine dead, and no other", async () => {
  const help: Partial<LinkLockOptions> = { kernel: async () => ({ lock: "k", leave: async () => {} }) };
  const self = { pid: 2, host: "host-a", boot: "boot-1", namespace: "ns-2" };
  const cases = [
    [{ pid: 1, host: "host-b", boot: "boot-1" }, "k", true], // another container on this machine
    [{ pid: 1, host: "host-a", boot: "boot-0" }, "k", true], // before a restart
    [{ pid: 1, host: "host-b", boot: "boot-0" }, "k", false], // another machine, and who knows how it is mounted there
    [{ pid: 1, host: "host-a", boot: "boot-1" }, undefined, false], // it did not have the kernel's lock
    [{ pid: 1, host: "host-a", boot: "boot-1" }, "j", false], // or had another, of a file that was deleted since
  ] as const;
  for (const [owner, kernel, free] of cases) {
    const where = await memoryPlace();
    const { as, directory, path } = await lockPlace(where);
    await where.fs.mkdir(directory);
    await put(where.fs, path(1), encodeRecord(owner, "token", kernel));
    const probe = { self: async () => self, liveness: async () => "elsewhere" as const };
    await expect(as(2, { probe }).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
    const helped = as(2, { ...help, probe }).acquire({ wait: 0 });
    if (free) await (await helped)();
    else await expect(helped).rejects.toMatchObject({ code: "LOCKED" });
  }
});

/** `fs`, on which something happens after the first listing, just before the first record is made. */
function interrupted(fs: FileSystem, meanwhile: () => Promise<void>): FileSystem {
  let first = true;
  return {
    ...fs,
    open: async (path, flags, mode) => {
      if (first && flags === "wx") {
        first = false;
        await meanwhile();
      }
      return fs.open(path, flags, mode);
    },
  };
}

/** Whose second listing shows the first number only. */
function blind(fs: FileSystem): FileSystem {
  let listings = 0;
  return {
    ...fs,
    async *readdir(path) {
      if (++listings === 2) yield { name: numbered(1), kind: "file" };
      else yield* fs.readdir(path);
    },
  };
}

test("a number that was used and tidied away confers nothing, even if a listing shows no other", async () => {
  const where = await memoryPlace();
  const { as, directory, env, path } = await lockPlace(where);
  const slow = interrupted(where.fs, async () => {
    for (let i = 1; i <= 3; i++) await (await as(2, { keep: 1 }).acquire())();
    await as(2, { keep: 1 }).acquire();
  });
  const locked = linkLock(blind(slow), directory, env, { probe: new FakeProcesses().probe(1) });
  await expect(locked.acquire({ wait: 100 })).rejects.toMatchObject({
    code: "LOCKED",
    data: { holders: [expect.stringContaining("process 2")] },
  });
  expect(await text(where.fs, path(1))).toMatch(/^free/);
});

test("no record goes before the floor is above it, or one who lists badly would make its number again", async () => {
  const where = await memoryPlace();
  const { as, directory, env } = await lockPlace(where);
  const fs = faultyFileSystem(where.fs);
  const slow = interrupted(where.fs, async () => {
    for (let i = 1; i <= 3; i++) await (await as(2, { keep: 9 }, fs).acquire())();
    fs.arm({ at: ({ name }) => name === "rename", code: "ENOSPC", always: true });
    await as(2, { keep: 1 }, fs).acquire();
  });
  const locked = linkLock(blind(slow), directory, env, { probe: new FakeProcesses().probe(1) });
  await expect(locked.acquire({ wait: 100 })).rejects.toMatchObject({ code: "LOCKED" });
  expect(fs.calls.some(({ name }) => name === "rename")).toBe(true);
});

test("a number below one that is held confers nothing, even if a person deleted it", async () => {
  const where = await memoryPlace();
  const { as, path } = await lockPlace(where);
  const slow = interrupted(where.fs, async () => {
    await (await as(2).acquire())();
    await as(2).acquire();
    await where.fs.unlink(path(1));
  });
  await expect(as(1, {}, slow).acquire({ wait: 100 })).rejects.toMatchObject({ code: "LOCKED" });
});

test("a number that is remembered is worth nothing once a person has deleted it", async () => {
  const where = await memoryPlace();
  const { as, path } = await lockPlace(where);
  const lock = as(1);
  for (let i = 0; i < 3; i++) await (await lock.acquire())();
  for (let i = 1; i <= 3; i++) await where.fs.unlink(path(i));
  const release = await as(2).acquire();
  await expect(lock.acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await release();
  await (await lock.acquire({ wait: 0 }))();
});

test("who fails to make a number does not free the one that another made", async () => {
  const where = await memoryPlace();
  const { as } = await lockPlace(where);
  const faulty = faultyFileSystem(where.fs);
  faulty.arm({ at: ({ name }) => name === "unlink", code: "EIO" });
  let release = async () => {};
  const slow = interrupted(faulty, async () => {
    release = await as(2).acquire();
  });
  await expect(as(1, {}, slow).acquire()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(as(3).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await release();
});

test("a link whose answer got lost is ours all the same", async () => {
  const where = await memoryPlace();
  const { as } = await lockPlace(where);
  const lossy: FileSystem = {
    ...where.fs,
    link: async (existing, path) => {
      await where.fs.link(existing, path);
      await where.fs.link(existing, path); // EEXIST
    },
  };
  const release = await as(1, {}, lossy).acquire({ wait: 0 });
  await expect(as(2).acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await release();
  await (await as(2).acquire({ wait: 0 }))();
});

test("the reason of the signal, before and while waiting", async () => {
  const where = await memoryPlace();
  const { as, directory } = await lockPlace(where);
  const reason = Object.assign(new Error("enough"), { code: "ETIMEDOUT" });
  await expect(as(1).acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  await as(1).acquire();
  const lock = linkLock(where.fs, directory, systemEnvironment, { probe: new FakeProcesses().probe(2) });
  const controller = new AbortController();
  const waiting = lock.acquire({ signal: controller.signal });
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test("an error of any call, of any kind, is reported, leaves no handle open, and leaves the lock to be had", async () => {
  for (const code of ["EIO", "ENOSPC", "EMFILE"]) {
    for (const after of [false, true]) {
      const where = await memoryPlace();
      const { as, processes } = await lockPlace(where);
      const faulty = faultyFileSystem(where.fs);
      const attempt = async () => {
        const release = await as(1, { keep: 2 }, faulty).acquire({ wait: 0 });
        const failed = await release().then(
          () => undefined,
          (error) => error,
        );
        if (failed === undefined) return;
        await release(); // again, and the fault is over
        throw failed;
      };
      for (let i = 0; i < 2; i++) await attempt();
      let failures = 0;
      for (let at = 1; ; at++) {
        faulty.arm({ at, code, after });
        const error = await attempt().catch((reason) => reason);
        if (at > faulty.calls.length) break;
        expect(faulty.openHandles).toBe(0);
        // Only the tidying may fail without a word, and only it.
        if (error === undefined) continue;
        failures++;
        expect(isOciStoreError(error, "UNAVAILABLE", "NO_SPACE"), `${code} at ${at}: ${error}`).toBe(true);
        await (await as(2, { keep: 2 }).acquire({ wait: 0 }))();
      }
      expect(failures).toBeGreaterThan(20);
      expect(processes.liveness.size).toBe(0);
    }
  }
});

test.each([
  ["is durable before it has its number", {}, true],
  [
    "need not be, where the kernel's lock speaks for it",
    { kernel: async () => ({ lock: "k", leave: async () => {} }) },
    false,
  ],
])("a record %s", async (_, help: Partial<LinkLockOptions>, isSynced) => {
  const where = await memoryPlace();
  const fs = faultyFileSystem(where.fs);
  const { as } = await lockPlace(where);
  await as(1, help, fs).acquire();
  const made = fs.calls.map(({ name }) => name);
  expect(made.slice(made.indexOf("write"), made.indexOf("link"))).toEqual(
    isSynced ? ["write", "sync", "close"] : ["write", "close"],
  );
});

test("without the directory it lies in there is no lock, and none is made", async () => {
  const where = await memoryPlace();
  const lock = linkLock(where.fs, join(where.directory, "none", "lock"), fakeEnvironment(), {
    probe: new FakeProcesses().probe(1),
  });
  await expect(lock.acquire()).rejects.toMatchObject({ code: "LAYOUT_INVALID", cause: { code: "ENOENT" } });
  expect(await names(where.fs, where.directory)).toEqual([]);
});
