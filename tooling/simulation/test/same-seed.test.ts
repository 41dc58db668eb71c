import { describe, expect, test } from "vitest";
import { BACKENDS } from "../src/backends.ts";
import { given } from "../src/decisions.ts";
import { run } from "../src/play.ts";
import { play } from "../src/random-runs.ts";
import { workload } from "../src/workload.ts";

describe.each(Object.entries(BACKENDS))("%s", (_, variant) => {
  test("the same seed gives the same trace, and so does the schedule that it came to", async () => {
    const traces = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const first = await play(variant, seed);
      const second = await play(variant, seed);
      const replayed = await run(variant, workload(seed), given(first.schedule), { seed });
      expect(String(second.trace)).toBe(String(first.trace));
      expect(String(replayed.trace)).toBe(String(first.trace));
      traces.add(String(first.trace));
    }
    expect(traces.size).toBe(12);
  });
});
