import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import type { FileSystem } from "../../src/files/file-system.ts";
import { openLock } from "../../src/lock/choose-lock.ts";
import { loadFileLocks } from "../../src/lock/kernel-lock.ts";
import { names, text } from "../support/bytes.ts";
import { memoryPlace, places, realPlace } from "../support/file-systems.ts";

test.each(places)("opening makes nothing; the first acquire makes the directory of the lock (%s)", async (_, place) => {
  const { fs, directory } = await place();
  const lock = await openLock(fs, join(directory, "lock"), systemEnvironment);
  expect(await names(fs, directory)).toEqual([]);
  await (await lock.acquire())();
  expect(await names(fs, directory)).toEqual(["lock"]);
});

test.each(places)("stores of one process exclude each other (%s)", async (_, place) => {
  const { fs, directory } = await place();
  const locks = await Promise.all([1, 2, 3].map(() => openLock(fs, join(directory, "lock"), systemEnvironment)));
  const order: number[] = [];
  let holders = 0;
  await Promise.all(
    [...locks, ...locks].map(async (lock, at) => {
      const release = await lock.acquire();
      expect(++holders).toBe(1);
      await systemEnvironment.sleep(1);
      order.push(at);
      holders--;
      await release();
    }),
  );
  expect(order.slice().sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

test("two paths to one directory are one lock, whatever the kind", async () => {
  const { fs, directory } = await realPlace();
  await mkdir(join(directory, "a"));
  await symlink(join(directory, "a"), join(directory, "b"));
  const a = await openLock(fs, join(directory, "a", "lock"), systemEnvironment, { kind: "kernel" });
  const b = await openLock(fs, join(directory, "b", "lock"), systemEnvironment, { kind: "link" });
  const release = await a.acquire();
  const holders = ["another operation of this process"];
  await expect(b.acquire({ wait: 5 })).rejects.toMatchObject({ code: "LOCKED", data: { holders } });
  await release();
  await (await b.acquire({ wait: 5 }))();
});

test("the kernel's help is taken where it can be had, and refused where it cannot but must", async () => {
  const real = await realPlace();
  const locks = await loadFileLocks();
  expect(locks.tryLock).toBeTypeOf("function");
  const release = await (await openLock(real.fs, join(real.directory, "lock"), systemEnvironment)).acquire();
  expect(await text(real.fs, join(real.directory, "lock", "0000000000000001"))).toMatch(/"kernel":"\d+"/);
  await release();

  const memory = await memoryPlace();
  const path = join(memory.directory, "lock");
  await (await (await openLock(memory.fs, path, systemEnvironment)).acquire())();
  const strict = await openLock(memory.fs, path, systemEnvironment, { kind: "kernel" });
  await expect(strict.acquire()).rejects.toMatchObject({ code: "UNSUPPORTED" });
});

test("a store that is gone has no lock", async () => {
  for (const { fs, directory } of [await realPlace(), await memoryPlace()]) {
    const lock = await openLock(fs, join(directory, "none", "lock"), systemEnvironment);
    await expect(lock.acquire()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  }
});

test("a store that cannot be written to says so", async () => {
  const { fs, directory } = await memoryPlace();
  const readOnly: FileSystem = {
    ...fs,
    mkdir: () => Promise.reject(Object.assign(new Error("EROFS"), { code: "EROFS" })),
  };
  const lock = await openLock(readOnly, join(directory, "lock"), systemEnvironment);
  await expect(lock.acquire()).rejects.toMatchObject({ code: "READ_ONLY" });
});
