import { expect, test } from "vitest";
import { systemEnvironment } from "../../src/index.ts";
import { memoryCell } from "../../src/memory/memory-cell.ts";

test("who has a cell in memory has it alone: one at a time, in the order of asking", async () => {
  const cell = memoryCell(systemEnvironment, { grace: 0, window: 0, wait: 0 });
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await systemEnvironment.sleep(1);
    order.push(`${name} ends`);
    if (name === "b") throw new RangeError(name);
  };
  const done = await Promise.allSettled(["a", "b", "c"].map((name) => cell.exclusive(work(name))));
  expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});
