import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { bench } from "../src/bench.ts";
import type { Scale } from "../src/case.ts";
import { CASES } from "../src/cases/index.ts";
import { FULL } from "../src/options.ts";
import { versions } from "../src/peers.ts";
import { pageOf } from "../src/report/page.ts";
import type { CaseResult } from "../src/run.ts";

// That all of it runs and does its work, as small as may be. How long it takes is nobody's concern here.
const TINY: Scale = { ...FULL, sizes: [150], pushes: 20, bytes: 2 ** 20, images: 5, nodes: 10_000, runs: 1 };

let results: readonly CaseResult[];

beforeAll(async () => {
  results = await bench(TINY, undefined, () => {});
});

describe.each(CASES)("$name", ({ name }) => {
  const figures = () => results.find(({ of }) => of.name === name)!.measured.flatMap((each) => each.figures);

  test("gives figures for all who do the work", () => {
    expect(figures().length).toBeGreaterThan(1);
    for (const { contestant, cost, failed } of figures()) {
      expect(failed, contestant.who).toBeUndefined();
      expect(cost!.wall, contestant.who).toBeGreaterThan(0);
      expect(cost!.memory, contestant.who).toBeGreaterThan(0);
    }
  });
});

test("a deletion of ours takes image, config, signature and payload, a collection all garbage", () => {
  const outcomeOf = (name: string) => {
    const { measured } = results.find(({ of }) => of.name === name)!;
    return measured[0]!.figures[0]!.outcome;
  };
  expect(outcomeOf("delete")).toBe("4 blobs gone");
  expect(outcomeOf("gc")).toBe("all garbage gone");
});

test("the page has every case, the targets and the versions, and no name of this machine", async () => {
  const page = pageOf(results, await versions(), 1);
  for (const { title } of CASES) expect(page).toContain(`### ${title}`);
  expect(page).toMatch(/oras-go \d+\.\d+\.\d+, umoci \d/);
  expect(page).toMatch(/\| collecting ahead of every peer: 150 blobs \| [\d.]+ x \(\w/);
  expect(page).not.toMatch(/\/(?:tmp|root|home)\//);
  expect(page).not.toContain("{{");
});

test("the peers' library is that of the program beside it", () => {
  const read = (name: string) => readFileSync(new URL(`../../peers/${name}`, import.meta.url), "utf8");
  expect(read("go-peers.txt")).toContain("oras.land/oras/cmd/oras v1.3.6");
  expect(read("oras-go/go.mod")).toContain("oras.land/oras-go/v2 v2.7.0");
});
