import { systemEnvironment as env } from "@ocistore/core";
import { expect, test } from "vitest";
import { exclusiveHere, Mutex } from "../../src/lock/mutex.ts";

test("first come, first served", async () => {
  const mutex = new Mutex();
  const order: number[] = [];
  await Promise.all(
    [1, 2, 3, 4].map(async (who) => {
      const unlock = await mutex.lock(env, "/lock");
      await env.sleep(5 - who);
      order.push(who);
      unlock();
      unlock(); // does nothing
    }),
  );
  expect(order).toEqual([1, 2, 3, 4]);
  expect(mutex.idle).toBe(true);
});

test("who gives up leaves the queue, and the next is served", async () => {
  const mutex = new Mutex();
  const unlock = await mutex.lock(env, "/lock");
  const controller = new AbortController();
  const aborted = mutex.lock(env, "/lock", { signal: controller.signal });
  const timed = mutex.lock(env, "/lock", { wait: 5 });
  const next = mutex.lock(env, "/lock", { wait: 60_000 });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(aborted).rejects.toBe(reason);
  await expect(timed).rejects.toMatchObject({ code: "LOCKED", data: { path: "/lock" } });
  await expect(mutex.lock(env, "/lock", { wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await expect(mutex.lock(env, "/lock", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  unlock();
  (await next)();
  expect(mutex.idle).toBe(true);
});

test("locks on one file share a mutex, others do not", async () => {
  const inner = { acquire: async () => async () => {} };
  const lockAt = (scope: string, path: string) => exclusiveHere(scope, async () => path, env, path, inner);
  const release = await lockAt("disk", "/a").acquire();
  await expect(lockAt("disk", "/a").acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await (await lockAt("disk", "/b").acquire({ wait: 0 }))();
  await (await lockAt("memory", "/a").acquire({ wait: 0 }))();
  await release();
  await (await lockAt("disk", "/a").acquire({ wait: 0 }))();
});

test("a failed release lets the next one in, and trying it again does not let out another", async () => {
  let failures = 1;
  const release = async () => {
    if (failures-- > 0) throw new Error("no");
  };
  const lock = exclusiveHere("disk", async () => "/a", env, "/a", { acquire: async () => release });
  const failing = await lock.acquire();
  await expect(failing()).rejects.toThrow("no");
  const next = await lock.acquire({ wait: 0 });
  await failing();
  await expect(lock.acquire({ wait: 0 })).rejects.toMatchObject({ code: "LOCKED" });
  await next();
});

test("a lock that could not be taken is not held", async () => {
  let failures = 1;
  const acquire = async () => {
    if (failures-- > 0) throw new Error("no");
    return async () => {};
  };
  const lock = exclusiveHere("disk", async () => "/a", env, "/a", { acquire });
  await expect(lock.acquire()).rejects.toThrow("no");
  await (await lock.acquire({ wait: 0 }))();
});
