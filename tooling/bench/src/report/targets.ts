import type { CaseResult, Measured } from "../run.ts";
import { budgets } from "./budgets.ts";
import { byWho } from "./table.ts";
import { times } from "./words.ts";

export interface Judged {
  readonly target: string;
  readonly figure: string;
  readonly holds: boolean;
}

/** What was aimed at, and whether this run shows it. */
export function targetsOf(results: readonly CaseResult[]): string {
  return tableOf(
    "target",
    results.flatMap((result) => judge(result)),
  );
}

/** The same of the catalog, whose budgets say what a larger store may cost. */
export function budgetsOf(results: readonly CaseResult[]): string {
  return tableOf("budget", results.flatMap(budgets));
}

function tableOf(what: string, judged: readonly Judged[]): string {
  if (judged.length === 0) return "";
  const rows = judged.map(({ target, figure, holds }) => `| ${target} | ${figure} | ${holds ? "yes" : "no"} |`);
  return [`| ${what} | figure | holds |`, "| --- | --- | --- |", ...rows].join("\n");
}

function judge({ of, measured }: CaseResult): Judged[] {
  const at = (each: Measured) => byWho(each);
  switch (of.name) {
    case "open":
      return measured.slice(-1).flatMap((each) => ahead(each, `opening ten times ahead of oras-go`, 10, ["oras-go"]));
    case "delete":
      return measured.flatMap((each) => ahead(each, "deleting ahead of every peer", 1));
    case "gc":
      return measured.flatMap((each) => ahead(each, "collecting ahead of every peer", 1));
    case "blob":
      return measured.flatMap((each) => {
        const figures = at(each);
        const [ours, ...alone] = ["ocistore", "hash alone", "write and sync alone"].map(
          (who) => figures.get(who)?.cost,
        );
        if (!ours || alone.some((cost) => !cost)) return [];
        const ratio = Math.max(...alone.map((cost) => cost!.wall)) / ours.wall;
        return [{ target: `${each.setting.label} at 0.8 of the limit`, figure: times(ratio), holds: ratio >= 0.8 }];
      });
    default:
      return [];
  }
}

/** Against the quickest of the peers. */
function ahead(each: Measured, what: string, by: number, only?: readonly string[]): Judged[] {
  const ours = each.figures[0]?.cost;
  const peers = each.figures.filter(
    ({ contestant: { isPeer, who }, cost }) => isPeer && cost && (only?.includes(who) ?? true),
  );
  if (!ours || peers.length === 0) return [];
  const best = peers.reduce((a, b) => (a.cost!.wall <= b.cost!.wall ? a : b));
  const ratio = best.cost!.wall / ours.wall;
  const figure = `${times(ratio)} (${best.contestant.who})`;
  return [{ target: `${what}: ${each.setting.label}`, figure, holds: ratio >= by }];
}
