import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { CaseResult } from "../run.ts";
import { tableOf } from "./table.ts";
import { budgetsOf, targetsOf } from "./targets.ts";

/** The page: what a hand has written in page.md, with the figures of this run in their places. */
export function pageOf(results: readonly CaseResult[], versions: ReadonlyMap<string, string>, runs: number): string {
  const template = readFileSync(new URL("../../page.md", import.meta.url), "utf8");
  const peers = [...versions].map(([name, version]) => `${name} ${version}`).join(", ");
  const machine = `${availableParallelism()} CPUs, Node ${process.versions.node}, ${process.platform}; ${peers}`;
  const values: Readonly<Record<string, string>> = {
    machine,
    runs: runs === 1 ? "one run, so take them for what they are" : `the median of at most ${runs} runs`,
    targets: targetsOf(results),
    budgets: budgetsOf(results),
    tables: results.map((result) => tableOf(result)).join("\n"),
  };
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
}
