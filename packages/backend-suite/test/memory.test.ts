import { describe, expect, test } from "vitest";
import { leftOut, suite } from "../src/index.ts";
import { memoryDeclaration, memoryFactory } from "./support.ts";

describe("the memory backend", () => {
  const declared = memoryDeclaration(true);
  const left = suite({ test, factory: memoryFactory(true), declared });
  test("says which tests it leaves out, and why", () => {
    expect(left).toEqual(leftOut(declared));
    expect(new Set(left.map(({ group }) => group))).toEqual(
      new Set(["fixedNames", "multiWriter", "queue", "oneRepository", "faults"]),
    );
  });
});

describe("the memory backend with fixed names", () => {
  suite({ test, factory: memoryFactory(false), declared: memoryDeclaration(false) });
});
