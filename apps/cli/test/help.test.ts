import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { cli } from "./harness.ts";

const read = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

/** The verbs with their aliases as `ocistore --help` lists them. */
async function listed(): Promise<string[][]> {
  const { out } = await cli(["--help"]);
  const [, verbs = ""] = out.split(/^Put in, take out:$/m);
  return [...verbs.matchAll(/^ {2}([a-z]+(?:, [a-z]+)*) {2,}\S/gm)].map(([, names = ""]) => names.split(", "));
}

const verbs = (await listed()).filter(([name]) => name !== "help");

test("the help lists the verbs in groups, none too wide", async () => {
  expect(verbs.length).toBeGreaterThan(20);
  const { out, exit } = await cli(["--help"]);
  expect(exit).toBe(0);
  expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect((await cli([])).exit).toBe(2);
});

test.each(verbs)("the help of %s says what it does, and what may be given", async (name) => {
  const { out, err, exit } = await cli([name, "--help"]);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toMatch(new RegExp(`^Usage: ocistore ${name}\\b.*\\n\\n[a-z]`));
  expect(out).toMatch(/\n\n(Arguments:\n.*\n\n)?Options:\n.* {2}-h, --help /s);
  expect(out).toMatch(/\n\nOptions of every verb:\n {2}--json /);
  expect(out).not.toMatch(/default: \[\]|\[options\] \[command\]\s+\[/);
  expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
});

test("the manual has every verb, in the same order", async () => {
  const manual = await read("../../../docs/cli.md");
  const rows = [...manual.matchAll(/^\| \[`([a-z]+)`\]\(#\1\)(?:, alias `([a-z]+)`)? \|/gm)];
  expect(rows.map(([, name, alias]) => [name, alias].filter(Boolean))).toEqual(verbs);
  const headings = [...manual.matchAll(/^## ([a-z]+)$/gm)].map(([, name]) => name);
  expect(headings).toEqual(verbs.map(([name]) => name));
});

test("every verb stands in a transcript, as text and as JSON", async () => {
  const names = (await readdir(new URL("golden/", import.meta.url))).filter((name) => name.endsWith(".txt"));
  const said = (await Promise.all(names.map((name) => read(`golden/${name}`)))).join("\n");
  const runs = [...said.matchAll(/^\$ (?:\S+=\S+ )?ocistore ([a-z]+)(.*)$/gm)];
  const text = new Set(runs.filter(([, , rest]) => !rest?.includes("--json")).map(([, name]) => name));
  const json = new Set(runs.filter(([, , rest]) => rest?.includes("--json")).map(([, name]) => name));
  expect(verbs.filter(([name = ""]) => !text.has(name) || !json.has(name))).toEqual([]);
});
