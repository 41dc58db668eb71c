import { expect, test } from "vitest";
import { type Mutant, mutated } from "../src/mutant.ts";
import { ALL } from "../src/mutants/index.ts";
import { Workshop } from "../src/workshop.ts";

test("without a mutant, in the copy, tests pass: what fails with one fails because of it", async () => {
  const workshop = await Workshop.open();
  try {
    for (const root of new Set(ALL.map(({ killedBy: [file] }) => file.split("/").slice(0, 2).join("/")))) {
      const [file, title] = ALL.find(({ killedBy }) => killedBy[0].startsWith(`${root}/`))!.killedBy;
      const { failed, passed, output } = await workshop.try(file, title);
      expect(failed, output).toEqual([]);
      expect(passed.length, output).toBeGreaterThan(0);
    }
  } finally {
    await workshop.close();
  }
});

test("each mutant has a name of its own, and says what its line protects", () => {
  const ids = ALL.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ALL.filter(({ protects }) => protects.length < 20)).toEqual([]);
});

test("a patch that does not apply any more, or in two places, is an error", () => {
  const mutant: Mutant = { id: "m", protects: "b", file: "f", text: "b;", instead: "", killedBy: ["t", "t"] };
  expect(mutated("a; b; c;", mutant)).toBe("a;  c;");
  expect(mutated("a; b; c;", { ...mutant, movedBehind: "c;" })).toBe("a;  c;b;");
  expect(mutated("b; a; b;", { ...mutant, after: "a;" })).toBe("b; a; ");
  expect(() => mutated("a; c;", mutant)).toThrow("does not apply");
  expect(() => mutated("b; b;", mutant)).toThrow("twice");
});
