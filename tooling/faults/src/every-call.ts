import { describe, expect, test } from "vitest";
import { failuresOf } from "./matrix.ts";
import type { Operation } from "./operations.ts";
import { baselineOf } from "./strike.ts";

export function everyCallFails(operations: readonly Operation[]): void {
  describe("any file call fails, and what it says, what stays and what works again is as it should be", () => {
    test.each(operations.map((operation) => [operation.name, operation] as const))("%s", async (_, operation) => {
      const baseline = await baselineOf(operation);
      expect(baseline.calls.length).toBeGreaterThan(5);
      expect(await failuresOf(operation, baseline)).toEqual([]);
    });
  });
}
