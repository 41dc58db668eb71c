import { expect, test } from "vitest";
import { type CollectReceipt, openMemory, systemEnvironment } from "../../src/index.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** A clock that does not wait, but lets everything else go first; it notes how long it was asked to wait. */
function impatient() {
  const slept: number[] = [];
  const sleep = async (ms: number, { signal }: { signal?: AbortSignal | undefined } = {}) => {
    slept.push(ms);
    await new Promise((resolve) => setTimeout(resolve, 1));
    signal?.throwIfAborted();
  };
  return { env: { ...systemEnvironment, random: (bytes: number) => new Uint8Array(bytes).fill(255), sleep }, slept };
}

test("it collects again and again until it is stopped, and is then at rest", async () => {
  const { env, slept } = impatient();
  const store = await openMemory({ env });
  const receipts: CollectReceipt[] = [];
  const collector = store.collector({ every: 1000, grace: 0, onCollected: (receipt) => receipts.push(receipt) });
  collector.start();
  collector.start();
  await expect.poll(() => receipts.length).toBeGreaterThan(2);
  await store.repository("app").session((session) => session.putBlob(text("garbage")).then(() => {}));
  await expect.poll(() => receipts.reduce((sum, { removed }) => sum + removed, 0)).toBe(1);
  await collector.stop();
  const { length } = receipts;
  expect(new Set(slept)).toEqual(new Set([1100]));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(receipts.length).toBe(length);
  collector.start();
  await expect.poll(() => receipts.length).toBeGreaterThan(length);
  await collector.stop();
});

test("a collection that fails is told, and the next comes later and later; one that is locked out is none", async () => {
  const { env, slept } = impatient();
  const store = await openMemory({ env });
  const { catalog } = store.parts;
  const lease = catalog.lease.bind(catalog);
  let calls = 0;
  catalog.lease = async (...args) => {
    calls += 1;
    if (calls <= 6) throw new Error("no network");
    return calls === 7 ? undefined : lease(...args);
  };
  const failures: unknown[] = [];
  const onFailed = (error: unknown) => {
    failures.push(error);
    throw new Error("and the listener too");
  };
  const collector = store.collector({ every: 1000, onFailed });
  collector.start();
  await expect.poll(() => slept.length).toBeGreaterThan(8);
  await collector.stop();
  expect(failures).toHaveLength(6);
  expect(slept.slice(0, 8).map((ms) => Math.round(ms / 1.1))).toEqual([
    2000, 4000, 8000, 16000, 16000, 16000, 1000, 1000,
  ]);
});

test("stop interrupts a collection, and waits for its end", async () => {
  const store = await openMemory();
  const { catalog } = store.parts;
  let begins = () => {};
  const begun = new Promise<void>((resolve) => {
    begins = resolve;
  });
  let hasEnded = false;
  catalog.policy = async ({ signal } = {}) => {
    begins();
    await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    await new Promise((resolve) => setTimeout(resolve, 10));
    hasEnded = true;
    throw signal?.reason;
  };
  const collector = store.collector({ every: 1000 });
  collector.start();
  await begun;
  await collector.stop();
  expect(hasEnded).toBe(true);
  await collector.stop();
});

test("every has to be a time", async () => {
  const store = await openMemory();
  expect(() => store.collector({ every: 0 })).toThrow(TypeError);
  expect(() => store.collector({ every: Number.NaN })).toThrow(TypeError);
});
