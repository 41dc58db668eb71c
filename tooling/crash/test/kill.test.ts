import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compiled } from "../../../packages/backend-fs/test/support/compiled.ts";
import { Prepared } from "../src/kill/prepared.ts";
import { RealPlaces } from "../src/kill/real-place.ts";
import { callsOf, hasStrace, killedAt } from "../src/kill/strace.ts";
import { scenarios } from "../src/scenarios.ts";

/** So many calls of each operation, evenly spread; all of them with OCISTORE_CRASH=all. */
const SAMPLE = process.env.OCISTORE_CRASH === "all" ? Number.POSITIVE_INFINITY : 3;
/** What has no more is tried at all of them in any case. */
const SMALL = 16;

const strace = hasStrace();
// CI installs it (tooling/peers/install-peers.sh).
const why = strace ? "" : " (left out: strace is not installed; killed.test.ts does the same in memory)";

describe.skipIf(!strace)(`kill -9 on the real file system${why}`, () => {
  let places: RealPlaces;
  let build: Awaited<ReturnType<typeof compiled>>;
  beforeAll(async () => {
    build = await compiled([[join(import.meta.dirname, "../src"), "crash"]]);
    places = await RealPlaces.make();
  });
  afterAll(async () => {
    await build?.remove();
    await places?.remove();
  });

  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    "before a system call of: %s",
    async (name, scenario) => {
      const script = join(build.directory, "crash/kill/child.js");
      const prepared = await Prepared.make(scenario, places);
      const task = (directory: string) => ({ scenario: name, directory, ahead: prepared.ahead });
      const whole = await prepared.place();
      const calls = await callsOf(script, task(whole.directory), join(places.base, "trace"));
      expect(calls.length).toBeGreaterThan(5);
      await prepared.inspect(whole, scenario.steps.length, "nothing");

      const stride = calls.length <= SMALL ? 1 : Math.max(1, calls.length / SAMPLE);
      for (let at = stride / 2; at < calls.length; at += stride) {
        const call = calls[Math.floor(at)]!;
        const place = await prepared.place();
        const { acknowledged, isKilled } = await killedAt(script, task(place.directory), call);
        expect(isKilled, call.text).toBe(true);
        await prepared.inspect(place, acknowledged, call.text);
      }
    },
  );
});
