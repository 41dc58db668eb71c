import { afterAll, beforeAll, expect, test } from "vitest";
import type { Mutant } from "./mutant.ts";
import { Workshop } from "./workshop.ts";

/** A test for each mutant: the one that it names fails on it. */
export function killEach(mutants: readonly Mutant[]): void {
  let workshop: Workshop;
  beforeAll(async () => {
    workshop = await Workshop.open();
  });
  afterAll(() => workshop?.close());

  test.each(mutants.map((mutant) => [mutant.id, mutant] as const))("%s", async (_, mutant) => {
    const [file, title] = mutant.killedBy;
    const { failed, passed, output } = await workshop.try(file, title, mutant);
    expect(failed.length + passed.length, `no test was run: ${output}`).toBeGreaterThan(0);
    expect(
      failed.filter((name) => name.includes(title)),
      `it survives ${title}`,
    ).not.toEqual([]);
  });
}
