import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { WriteStream } from "node:tty";
import { packManifest } from "@ocistore/core";
import { expect, test } from "vitest";
import { drawLine, type Line } from "../src/output/line.ts";
import { type Column, tableLines } from "../src/output/table.ts";
import { cli, clockAt, sample, withStore } from "./harness.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal draws its colours by.
const COLOUR = /\x1b\[\d+m/;

/** Of what stands in these tests. */
const columnsOf = (text: string) => [...text].reduce((sum, each) => sum + (/[\u3000-\u9fff]/.test(each) ? 2 : 1), 0);

const drawn = (lines: Iterable<Line>) => [...lines].map((line) => drawLine(line, false));

const COLUMNS: readonly Column[] = [
  { title: "REF", isSoft: true },
  { title: "SIZE", align: "right" },
  { title: "ABOUT", isSoft: true },
];

test("columns stand below each other, however wide the characters are", () => {
  const rows = [
    ["日本語", "1 B", "x"],
    ["e\u0301te\u0301", "20 B", "📦"],
    ["plain", "3 B", "y"],
  ];
  expect(drawn(tableLines(COLUMNS, rows))).toEqual([
    "REF     SIZE  ABOUT",
    "日本語   1 B  x",
    "e\u0301te\u0301     20 B  📦",
    "plain    3 B  y",
  ]);
});

test("a table that is too wide gives from its last free text, then from the one before", () => {
  const rows = [["a".repeat(20), "1 B", "日".repeat(15)]];
  const at = (room: number) => drawn(tableLines(COLUMNS, rows, room))[1];
  expect(at(60)).toBe(`${"a".repeat(20)}   1 B  ${"日".repeat(15)}`);
  expect(at(57)).toBe(`${"a".repeat(20)}   1 B  ${"日".repeat(14)}…`);
  // A wide character that does not fit whole leaves a column free.
  expect(at(56)).toBe(`${"a".repeat(20)}   1 B  ${"日".repeat(13)}…`);
  expect(at(44)).toBe(`${"a".repeat(20)}   1 B  ${"日".repeat(7)}…`);
  expect(at(42)).toBe(`${"a".repeat(17)}…   1 B  ${"日".repeat(7)}…`);
  // Less than that each keeps only where everything can be seen then.
  expect(at(30)).toBe(`${"a".repeat(13)}…   1 B  ${"日".repeat(3)}…`);
});

/** A store with names and titles that are too long for any terminal. */
async function long() {
  const all = await sample();
  const { cwd } = all;
  const title = `${"長い題名".repeat(20)}.txt`;
  await writeFile(join(cwd, title), "x");
  const type = `application/vnd.${"example.".repeat(12)}report`;
  await cli(["push", `oci:store:${"name-".repeat(20)}`, title, "--artifact-type", type], { cwd });
  await cli(["attach", "oci:store:v1", title, "--artifact-type", type], { cwd });
  await cli(["tag", "oci:store:v1", ...Array.from({ length: 30 }, (_, at) => `also-${at}`)], { cwd });
  return all;
}

const LISTS = [
  ["ls", "store", "--all"],
  ["du", "store"],
  ["tree", "store"],
  ["discover", "oci:store:v1"],
  ["referrers", "oci:store:v1"],
  ["why", "--all", "oci:store:v2"],
];

test.each(LISTS)("no row of %s wraps on a terminal, and digests are whole in it", async (...argv) => {
  const { cwd } = await long();
  const whole = await cli(argv, { cwd });
  for (const columns of [80, 40]) {
    const { exit, out } = await cli(argv, { cwd, typed: "", columns, env: { NO_COLOR: "1" } });
    expect(exit).toBe(0);
    const rows = out.trimEnd().split("\n");
    const expected = whole.out.trimEnd().split("\n");
    expect(rows).toHaveLength(expected.length);
    for (const [at, row] of rows.entries()) {
      // A sentence wraps.
      if (row.endsWith("is kept by")) continue;
      expect(columnsOf(row)).toBeLessThanOrEqual(columns);
      expect(row).toContain(/sha256:[0-9a-f]{12}/.exec(expected[at]!)?.[0] ?? "");
    }
  }
});

test("no row of a plan that somebody is asked about wraps, and in 80 columns it says why what has no tag goes", async () => {
  const { cwd, directory } = await sample();
  await withStore(directory, (store) =>
    store.repository().session((session) => session.putManifest(packManifest({ artifactType: "test/untagged" }))),
  );
  await cli(["config", "set", "store", "window=1h"], { cwd });
  const clock = clockAt(() => Date.now() + 90 * 86_400_000);
  const terminal = { cwd, clock, typed: "n\n", env: { NO_COLOR: "1" } };
  for (const argv of [
    ["gc", "store", "--untagged", "30d", "--grace", "0s"],
    ["rm", "oci:store:v2"],
  ]) {
    for (const columns of [80, 40]) {
      const { err } = await cli(argv, { ...terminal, columns });
      const rows = err.split(/\r?\n/).filter((line) => line.startsWith("to be "));
      expect(rows.length, err).toBeGreaterThan(0);
      for (const row of rows) expect(columnsOf(row)).toBeLessThanOrEqual(columns);
      if (columns === 80 && argv[0] === "gc") expect(rows.join("\n")).toContain("untagged for too long");
    }
  }
});

test.each(LISTS)("%s is cut nowhere else: not in a pipe, not as JSON, not with --full", async (...argv) => {
  const { cwd } = await long();
  // Ages are the same in every run.
  const clock = clockAt(() => Date.parse("2040-01-01T00:00:00Z"));
  const options = { cwd, clock, env: { NO_COLOR: "1" } };
  const narrow = { ...options, typed: "", columns: 40 };
  expect((await cli(argv, options)).out).not.toContain("…");
  expect((await cli([...argv, "--json"], narrow)).out).toBe((await cli([...argv, "--json"], options)).out);
  expect((await cli([...argv, "--full"], narrow)).out).toBe((await cli([...argv, "--full"], options)).out);
  expect((await cli(argv, { ...narrow, columns: 0 })).out).toBe((await cli(argv, options)).out);
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: "1" }, true, false],
  [{ NO_COLOR: "" }, true, true],
  [{ TERM: "dumb" }, true, false],
  [{ FORCE_COLOR: "1" }, false, true],
  [{ FORCE_COLOR: "" }, false, true],
  [{ FORCE_COLOR: "true", NO_COLOR: "1", TERM: "dumb" }, false, true],
  [{ FORCE_COLOR: "0" }, true, false],
  [{ FORCE_COLOR: "false" }, true, false],
])("with %j and a terminal: %s, colours are drawn: %s", async (env: Record<string, string>, isTerminal, expected) => {
  const { cwd } = await sample();
  const { out } = await cli(["tree", "store"], { cwd, env, ...(isTerminal && { typed: "" }) });
  expect(COLOUR.test(out)).toBe(expected);
  const { json } = await cli(["tree", "store", "--json"], { cwd, env });
  expect(json.length).toBeGreaterThan(1);
  // Node would say the same of what it draws itself.
  const { FORCE_COLOR } = env;
  if (FORCE_COLOR !== undefined) expect(WriteStream.prototype.getColorDepth({ FORCE_COLOR }) > 1).toBe(expected);
});
