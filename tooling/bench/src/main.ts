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
const results = await bench(scale, only, (line) => process.stderr.write(`${line}\n`));
const text = pageOf(results, await versions());
if (out === undefined) process.stdout.write(text);
else writeFileSync(out, text);
