import type { CaseResult, Figure, Measured } from "../run.ts";
import { mebibytes, speed, time, times } from "./words.ts";

/** The figures of one case, a row for each size and each who did the work. */
export function tableOf({ of, measured }: CaseResult): string {
  const hasOutcome = measured.some(({ figures }) => figures.some(({ outcome }) => outcome !== undefined));
  const isCounted = measured.some(({ setting }) => setting.count !== undefined);
  const isBytes = measured.some(({ setting }) => setting.bytes !== undefined);
  const isHeld = measured.some(({ figures }) => figures.some(({ cost }) => cost?.inside?.held !== undefined));
  // Of one alone the sizes are what there is to compare.
  const isAlone = measured.length > 1 && isOfOne(measured);
  const firsts = isAlone ? measured[0]!.figures.map(({ cost }) => cost?.wall) : undefined;
  const head = ["", "who", "command", "wall", isAlone ? "beside the first" : "beside ours", "CPU", "memory"];
  if (isCounted) head.splice(4, 0, "each");
  if (isBytes) head.splice(4, 0, "speed");
  if (isHeld) head.push("event loop held", "closing");
  if (hasOutcome) head.push("outcome");
  const rows = measured.flatMap((each) => rowsOf(each, { hasOutcome, isCounted, isBytes, isHeld, firsts }));
  const table = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
  const leftOut = of.leftOut.map(([who, why]) => `${who}: ${why}`).join("; ");
  const note = leftOut === "" ? "" : `\n\nNot measured: ${leftOut}.`;
  return `### ${of.title}\n\n${of.about}\n\n${table}${note}\n`;
}

interface Columns {
  readonly hasOutcome: boolean;
  readonly isCounted: boolean;
  readonly isBytes: boolean;
  readonly isHeld: boolean;
  /** What the first size took, if each of them is compared with that. */
  readonly firsts: readonly (number | undefined)[] | undefined;
}

const isOfOne = (measured: readonly Measured[]) =>
  new Set(measured.flatMap(({ figures }) => figures.map(({ contestant }) => contestant.who))).size === 1;

function rowsOf({ setting, figures }: Measured, columns: Columns): string[][] {
  const { hasOutcome, isCounted, isBytes, isHeld, firsts } = columns;
  return figures.map((figure, place) => {
    const { contestant, cost, failed } = figure;
    const ours = firsts ? firsts[place] : figures[0]?.cost?.wall;
    const label = place === 0 ? setting.label : "";
    const start = [label, contestant.who, contestant.command];
    const extra = Number(isCounted) + Number(isBytes) + 2 * Number(isHeld);
    if (!cost) return [...start, failed ?? "", ...Array(3 + extra).fill(""), ...(hasOutcome ? [""] : [])];
    const cells = [...start, time(cost.wall)];
    if (isCounted) cells.push(setting.count === undefined ? "" : time(cost.wall / setting.count));
    if (isBytes) cells.push(setting.bytes === undefined ? "" : speed(setting.bytes, cost.wall));
    cells.push(ours === undefined || cost.wall === ours ? "" : times(cost.wall / ours));
    cells.push(time(cost.cpu), mebibytes(cost.memory));
    if (isHeld) cells.push(time(cost.inside?.held ?? 0), time(cost.inside?.close ?? 0));
    if (hasOutcome) cells.push(figure.outcome ?? "");
    return cells;
  });
}

/** Those of a case and size that have figures, by who. */
export function byWho({ figures }: Measured): ReadonlyMap<string, Figure> {
  return new Map(figures.filter(({ cost }) => cost).map((figure) => [figure.contestant.who, figure]));
}
