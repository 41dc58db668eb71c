import { expect, test } from "vitest";
import { BACKENDS } from "../src/backends.ts";
import { play } from "../src/random-runs.ts";

// Seeds of the gate that break without one of our protections: tooling/mutants/src/mutants/simulated.ts says which.
test.each([
  "memory, seed 16",
  "memory, seed 26",
  "memory, seed 417",
  "memory, seed 442",
  "memory, seed 560",
  "memory, seed 4703",
  "fs, seed 159",
  "fs, seed 44",
  "fs, seed 334",
  "sqlite, seed 2",
  "sqlite, seed 81",
  "sqlite, seed 741",
  "sqlite-fixed, seed 81",
])("%s", async (title) => {
  const [backend, seed] = title.split(", seed ") as [string, string];
  const { failure } = await play(BACKENDS[backend]!, Number(seed));
  expect(failure).toBeUndefined();
});
