import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, sample } from "./harness.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
// A window title, a colour, a bidi override, a C1 control, a line break.
const EVIL = "\x1b]0;owned\x07\x1b[31mv9\u202e\u009b2J\n";

test("no control character of a name reaches a terminal, in text or in JSON", async () => {
  const { cwd, directory, v1 } = await sample();
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  for (const entry of index.manifests) if (entry.annotations?.[REF_NAME] === "v2") entry.annotations[REF_NAME] = EVIL;
  await writeFile(path, JSON.stringify(index));
  for (const argv of [
    ["ls", "store"],
    ["tree", "store"],
    ["roots", "store"],
    ["du", "store"],
    ["why", "--all", `oci:store@${v1.digest}`],
    ["graph", "store"],
    ["graph", "store", "--format", "dot"],
    ["graph", "store", "--format", "json"],
    ["rm", "-n", "oci:store:v1"],
    ["gc", "-n", "store"],
    ["fsck", "store"],
    ["walkthrough", "store"],
  ]) {
    for (const flags of argv[0] === "walkthrough" ? [[]] : [[], ["--json"]]) {
      const { exit, out, err } = await cli([...argv, ...flags], { cwd });
      expect({ argv, exit, err }).toMatchObject({ argv, exit: 0 });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
      expect(out + err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    }
  }
  expect((await cli(["ls", "store"], { cwd })).out).toContain(
    "\\u{1b}]0;owned\\u{7}\\u{1b}[31mv9\\u{202e}\\u{9b}2J\\u{a}",
  );
  const { json } = await cli(["ls", "store", "--json"], { cwd });
  expect(json.map(({ ref }) => ref)).toContain(EVIL);
});

test("nor one of the command line", async () => {
  const { cwd } = await sample();
  const { exit, err } = await cli(["ls", "oci:no\x1b[31mwhere"], { cwd });
  expect(exit).toBe(3);
  expect(err).not.toContain("\x1b");
});
