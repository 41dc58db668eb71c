import { expect, test } from "vitest";
import { crashEverywhere } from "../src/power/power-loss.ts";
import { scenarios } from "../src/scenarios.ts";
import { seeded } from "../src/world.ts";

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  "killed before any call that changes or syncs something: %s",
  async (_, scenario) => {
    const { calls, wrecks } = await crashEverywhere(scenario, { death: "process", random: seeded(1) });
    expect(calls).toBeGreaterThan(5);
    expect(wrecks).toBeGreaterThan(calls / 3);
  },
);
