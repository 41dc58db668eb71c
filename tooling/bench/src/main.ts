import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bench } from "./bench.ts";
import { readOptions } from "./options.ts";
import { versions } from "./peers.ts";
import { pageOf } from "./report/page.ts";

// So that what is being measured ends with it.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const page = fileURLToPath(new URL("../../../docs/benchmarks.md", import.meta.url));
const { scale, only, out } = readOptions(process.argv.slice(2), page);
const known = await versions();
const say = (line: string) => process.stderr.write(`${line}\n`);
// After each case, so that a run that is ended has shown what it has.
const results = await bench(scale, only, say, (sofar) => out && writeFileSync(out, pageOf(sofar, known, scale.runs)));
if (out === undefined) process.stdout.write(pageOf(results, known, scale.runs));
