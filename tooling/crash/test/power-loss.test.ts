import { describe, expect, test } from "vitest";
import { crashEverywhere, crashTwice } from "../src/power/power-loss.ts";
import { scenarios } from "../src/scenarios.ts";
import { seeded } from "../src/world.ts";

const SEED = Number(process.env.OCISTORE_CRASH_SEED ?? 1);
const each = scenarios.map((scenario) => [scenario.name, scenario] as const);

describe("power lost before any call that changes or syncs something", () => {
  test.each(each)("%s", async (_, scenario) => {
    const { calls, wrecks } = await crashEverywhere(scenario, { death: "power", random: seeded(SEED) });
    expect(calls).toBeGreaterThan(5);
    expect(wrecks).toBeGreaterThan(5);
    if (process.env.OCISTORE_CRASH_COUNT) process.stderr.write(`${scenario.name} ${calls} ${wrecks}\n`);
  });
});

/** That can be done twice. */
const REPEATABLE = ["init", "first push", "push", "push of an index", "tag", "move a tag", "a new policy"];

describe("killed before any call, done again by another process, and then power lost", () => {
  test.each(each.filter(([name]) => REPEATABLE.includes(name)))("%s", async (_, scenario) => {
    const { calls } = await crashTwice(scenario);
    expect(calls).toBeGreaterThan(10);
  });
});
