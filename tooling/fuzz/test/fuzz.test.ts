import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { fuzz, minimized, passedBy } from "../src/fuzzer.ts";
import { LAYOUT_TARGETS } from "../src/layouts.ts";
import { TARGETS } from "../src/targets.ts";

// Without a word: the inputs that are kept, and so many more of a fixed seed. `pnpm fuzz --minutes 5 --target json` goes on as
// long, with a seed of its own, and keeps what it finds.
const { OCISTORE_FUZZ_MINUTES: minutes, OCISTORE_FUZZ_SEED: seed = minutes ? String(Date.now()) : "1" } = process.env;
const RUNS = 5000;

const fileOf = (name: string) => fileURLToPath(new URL(`../corpus/${name}.txt`, import.meta.url));

/** An input a line, in base64. */
async function corpusOf(name: string): Promise<Uint8Array[]> {
  const lines = (await readFile(fileOf(name), "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => new Uint8Array(Buffer.from(line, "base64")));
}

describe.each(Object.entries({ ...TARGETS, ...LAYOUT_TARGETS }))("%s", (name, target) => {
  test("no input that is kept breaks a promise", async () => {
    const corpus = await corpusOf(name);
    expect(corpus.length).toBeGreaterThan(10);
    for (const input of corpus) await passedBy(target, input);
  });

  test(`no input of seed ${seed} does`, async () => {
    const end = Date.now() + Number(minutes ?? 0) * 60_000;
    const goOn = (runs: number) =>
      minutes === undefined ? runs < (target.runs ?? RUNS) : runs % 20 !== 0 || Date.now() < end;
    const found = await fuzz(target, { seed: Number(seed), corpus: await corpusOf(name), goOn });
    expect(found.places).toBeGreaterThan(40);
    if (minutes === undefined) return;
    const lines = (await minimized(target, found.corpus)).map((input) => `${Buffer.from(input).toString("base64")}\n`);
    await writeFile(fileOf(name), lines.join(""));
  });
});
