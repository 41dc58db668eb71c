import type { Mutant } from "../mutant.ts";
import { ALL } from "./index.ts";

const FILE = "tooling/simulation/test/noticed.test.ts";
const CATALOG = "packages/core/src/catalog/cell-catalog.ts";

/** Protections without which schedules of the gate go wrong; each with the first seed that does. Section "Races" lists them. */
export const SIMULATED: readonly Mutant[] = [
  again("condemn-trusts", "memory, seed 560"),
  again("condemn-trusts", "fs, seed 44"),
  again("claim-does-not-hold", "memory, seed 442"),
  again("claim-does-not-hold", "fs, seed 334"),
  again("no-lock", "fs, seed 159"),
  again("drop-live", "memory, seed 560"),
  again("remove-held", "memory, seed 417"),
  again("sql-condemn-trusts", "sqlite, seed 81"),
  again("sql-condemn-trusts", "sqlite-fixed, seed 81"),
  again("sql-claim-does-not-hold", "sqlite, seed 741"),
  again("sql-no-enqueue", "sqlite, seed 2"),
  {
    id: "lost-race-ignored",
    protects: "who has lost a race works the command out anew",
    file: CATALOG,
    text: "(await this.#cell.replace(version, ctx.draft, o))",
    instead: "(await this.#cell.replace(version, ctx.draft, o), true)",
    killedBy: [FILE, "memory, seed 26"],
  },
  {
    id: "any-version",
    protects: "a document is replaced only if it is the one that was loaded",
    file: "tooling/simulation/src/variants/memory.ts",
    text: "if (version !== String(this.#version)) return false;",
    instead: "",
    killedBy: [FILE, "memory, seed 16"],
  },
  {
    id: "missing-below",
    protects: "what is not whole any more does not become live again",
    file: "packages/core/src/catalog/commands/whole.ts",
    text: "if (missingOf.size === 0) return missing;",
    instead: "return [];",
    killedBy: [FILE, "memory, seed 4703"],
  },
];

/** One that another test kills as well. */
function again(id: string, seed: string): Mutant {
  const mutant = ALL.find((each) => each.id === id);
  if (!mutant) throw new Error(`there is no mutant ${id}`);
  const { writtenAs: _, ...rest } = mutant;
  return { ...rest, killedBy: [FILE, seed] };
}
