import { failuresOf } from "./matrix.ts";
import type { Operation } from "./operations.ts";
import { baselineOf } from "./strike.ts";

/** For `test.each`: the name of an operation, and all that goes wrong when its file calls fail, each in words. */
export function inEveryCall(operations: readonly Operation[]): [string, () => Promise<readonly string[]>][] {
  return operations.map((operation) => [
    operation.name,
    async () => {
      const baseline = await baselineOf(operation);
      if (baseline.calls.length <= 5) throw new Error("it makes no calls that could fail");
      return failuresOf(operation, baseline);
    },
  ]);
}
