import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { soak } from "./soak.ts";

const { values } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== "--"),
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string" },
    foreign: { type: "boolean", default: false },
    catalog: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
const seconds = Number(values.minutes) * 60;
if (!Number.isSafeInteger(seed) || !(seconds > 0)) throw new TypeError("--minutes and --seed are numbers");

const say = (line: string) => process.stdout.write(`${line}\n`);
const directory = await mkdtemp(join(tmpdir(), "ocistore-soak-"));
const { foreign, catalog } = values;
if (foreign && catalog) throw new TypeError("--foreign and --catalog are two soaks");
say(
  `seed ${seed}, ${seconds} seconds${foreign ? ", beside skopeo" : ""}${catalog ? ", with a catalog" : ""}, in ${directory}`,
);
const { findings, counts } = await soak({ directory, seconds, seed, foreign, catalog });
for (const [what, count] of Object.entries(counts)) say(`${String(count).padStart(8)}  ${what}`);
for (const finding of findings) say(`finding: ${finding}`);
say(findings.length === 0 ? "no findings" : `${findings.length} findings; the layout and the journals stay there`);
if (findings.length === 0 && !values.keep) await rm(directory, { recursive: true });
process.exitCode = findings.length === 0 ? 0 : 1;
