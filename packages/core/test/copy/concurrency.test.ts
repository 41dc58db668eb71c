import { expect, test } from "vitest";
import { copy, type Repository } from "../../src/index.ts";
import { but, findings, furnish, pair, stored } from "./support.ts";

/** The source, and how many requests to it were under way at most. */
function counted(from: Repository) {
  let busy = 0;
  const count = { most: 0 };
  const wait = async () => {
    count.most = Math.max(count.most, ++busy);
    await new Promise((resolve) => setImmediate(resolve));
    busy -= 1;
  };
  const slow = but(from, {
    bytes: async (...args) => {
      await wait();
      return from.bytes(...args);
    },
    blob: async function* (...args) {
      await wait();
      yield* from.blob(...args);
    },
  });
  return { slow, count };
}

test.each([1, 2, 3, 4, 5, 50])(
  "%i at a time: the same arrives, and never more requests are under way",
  async (concurrency) => {
    const { target, from, to } = await pair();
    await furnish(from);
    const { slow, count } = counted(from);
    await copy(slow, to, "v1", { referrers: true, concurrency });
    expect(await findings(target)).toEqual([]);
    expect((await stored(target)).size).toBe(20);
    expect(count.most).toBeLessThanOrEqual(concurrency);
    expect(count.most).toBeGreaterThanOrEqual(Math.min(concurrency, 3));
    await expect(copy(from, to, "v1", { concurrency: 0 })).rejects.toThrow(TypeError);
  },
);

test("four at a time, unless another number is given", async () => {
  const { from, to } = await pair();
  await furnish(from);
  const { slow, count } = counted(from);
  await copy(slow, to, "v1", { referrers: true });
  expect(count.most).toBe(4);
});
