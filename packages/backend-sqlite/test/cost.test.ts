import { systemEnvironment } from "@ocistore/core";
import { expect, test } from "vitest";
import { type Asked, counted } from "./support/counted.ts";
import { fresh, push } from "./support/layouts.ts";

// What must not grow with the store, counted in statements and rows; times are for the benchmark.

test("index.json is written with about as many statements whether it lists little or much", async () => {
  let asked: Asked = { statements: 0, rows: 0 };
  const between = (connect: Parameters<typeof counted>[0]) => {
    const both = counted(connect);
    asked = both.asked;
    return both.connect;
  };
  const { store, catalog } = await fresh({ projection: "coalesced", between });
  const flushWith = async (first: number, count: number) => {
    for (let number = first; number < first + count; number++) await push(store, `${number}`);
    const before = asked.statements;
    await catalog.flush();
    return asked.statements - before;
  };
  const little = await flushWith(0, 5);
  // More or less by a few looks at the file.
  expect(await flushWith(5, 30)).toBeLessThan(little + 10);
});

test("where it takes long to write index.json, it is written more rarely", async () => {
  const sleeps: number[] = [];
  let slow = 0;
  let now = systemEnvironment.now();
  let wake: () => void = () => {};
  const env = {
    ...systemEnvironment,
    now: () => {
      now += slow;
      return Math.floor(now);
    },
    sleep: async (ms: number) => {
      sleeps.push(ms);
      if (ms < 1000) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
  };
  const { store, catalog } = await fresh({ projection: "coalesced", env });
  await push(store, "a");
  slow = 50;
  wake();
  // Behind the one that has begun.
  await catalog.flush();
  slow = 0;
  await push(store, "b");
  const [first, second] = sleeps.filter((ms) => ms >= 1000);
  expect(first).toBe(1000);
  expect(second).toBeGreaterThan(5000);
  wake();
});
