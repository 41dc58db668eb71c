import { AssertionError } from "node:assert";
import { isOciStoreError } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { type Declaration, type Factory, suite } from "../src/index.ts";
import { blobMutants } from "./mutants/blobs.ts";
import { changeMutants } from "./mutants/changes.ts";
import { claimMutants } from "./mutants/claims.ts";
import { collectingMutants } from "./mutants/collecting.ts";
import { asAbsent, asItIs, faultyFactory } from "./mutants/faulty.ts";
import { factoryOf, type Mutant } from "./mutants/mutant.ts";
import { replacingMutants } from "./mutants/replacing.ts";
import { undoingMutants } from "./mutants/undoing.ts";
import { uploadMutants } from "./mutants/uploads.ts";
import { memoryDeclaration } from "./support.ts";

const MUTANTS: readonly Mutant[] = [
  ...blobMutants,
  ...uploadMutants,
  ...claimMutants,
  ...changeMutants,
  ...collectingMutants,
  ...undoingMutants,
  ...replacingMutants,
];

/** The tests of the suite by their names, run by hand. */
function collected(factory: Factory, declared: Declaration): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  suite({
    test: (name, run) => {
      if (tests.has(name)) throw new Error(`two tests are called ${name}`);
      tests.set(name, run);
    },
    factory,
    declared,
  });
  return tests;
}

async function verdictOf(tests: ReadonlyMap<string, () => Promise<void>>, name: string): Promise<unknown> {
  const run = tests.get(name);
  if (!run) throw new Error(`the suite has no test "${name}"`);
  return run().then(
    () => "passed",
    (error: unknown) => (error instanceof AssertionError || isOciStoreError(error) ? "failed" : error),
  );
}

describe("what the suite has to notice", () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))("%s", async (_, mutant) => {
    const { generations = true } = mutant;
    const declared = memoryDeclaration(generations);
    expect(await verdictOf(collected(factoryOf(mutant), declared), mutant.test)).toBe("failed");
    const unbroken: Mutant = { name: "unbroken", test: mutant.test, generations };
    expect(await verdictOf(collected(factoryOf(unbroken), declared), mutant.test)).toBe("passed");
  });

  test.each([
    ["failing: a storage that fails is never reported as absent", asAbsent, "failed"],
    ["failing: a storage that fails is never reported as absent", asItIs, "passed"],
    ["failing: bytes that could not be erased are not forgotten", asItIs, "passed"],
  ])("%s: told %o", async (name, tell, verdict) => {
    const declared = { ...memoryDeclaration(true), faults: true };
    expect(await verdictOf(collected(faultyFactory(tell), declared), name)).toBe(verdict);
  });

  test("a store that declares less than it can, or more", async () => {
    const { blobs, catalog } = memoryDeclaration(true);
    const declared = { blobs: { ...blobs, multiWriter: true }, catalog };
    const tests = collected(factoryOf({ name: "unbroken", test: "" }), declared);
    expect(await verdictOf(tests, "opening: a store can do what was declared, neither more nor less")).toBe("failed");
  });

  test("a factory that gives one store to two tests", async () => {
    const declared = memoryDeclaration(true);
    let shared: ReturnType<Factory> | undefined;
    const one: Factory = (env) => (shared ??= factoryOf({ name: "unbroken", test: "" })(env));
    expect(await verdictOf(collected(one, declared), "factory: two stores are of no concern to each other")).toBe(
      "failed",
    );
  });
});
