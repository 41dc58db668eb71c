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
const TINY: Scale = {
  ...FULL,
  sizes: [150],
  pushes: 20,
  bytes: 2 ** 20,
  images: 5,
  manifests: [100, 200],
  dead: 100,
  nodes: 10_000,
  runs: 1,
};

let results: readonly CaseResult[];

beforeAll(async () => {
  results = await bench(TINY, undefined, () => {});
}, 300_000);

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
  const outcomesOf = (name: string) => {
    const { measured } = results.find(({ of }) => of.name === name)!;
    const ours = measured[0]!.figures.filter(({ contestant }) => contestant.who.startsWith("ocistore"));
    return ours.map(({ outcome }) => outcome);
  };
  expect(outcomesOf("delete")).toEqual(["4 blobs gone", "4 blobs gone"]);
  expect(outcomesOf("gc")).toEqual(["all garbage gone", "all garbage gone"]);
  expect(outcomesOf("catalog-gc")).toEqual(["1 000 blobs gone", "1 000 blobs gone"]);
  expect(outcomesOf("catalog-full")).toEqual(["0 differences"]);
});

test("the page has every case, the targets and the versions, and no name of this machine", async () => {
  const page = pageOf(results, await versions(), 1);
  for (const { title } of CASES) expect(page).toContain(`### ${title}`);
  expect(page).toMatch(/oras-go \d+\.\d+\.\d+, umoci \d/);
  expect(page).toMatch(/\| collecting ahead of every peer: 150 blobs \| [\d.]+ x \(\w/);
  expect(page).toMatch(/\| open and resolve a tag: 200 manifests within 1.5 x of 100 manifests \| [\d.]+ x \| /);
  expect(page).not.toMatch(/\/(?:tmp|root|home)\//);
  expect(page).not.toContain("{{");
});

test("the peers' library is that of the program beside it", () => {
  const read = (name: string) => readFileSync(new URL(`../../peers/${name}`, import.meta.url), "utf8");
  expect(read("go-peers.txt")).toContain("oras.land/oras/cmd/oras v1.3.6");
  expect(read("oras-go/go.mod")).toContain("oras.land/oras-go/v2 v2.7.0");
});
