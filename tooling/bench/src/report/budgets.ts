import type { CaseResult, Measured } from "../run.ts";
import { byWho } from "./table.ts";
import type { Judged } from "./targets.ts";
import { time, times } from "./words.ts";

const MIB = 2 ** 20;
/** So long may the event loop stand still. */
const HELD = 50;

/** What a store with a catalog may cost, beside a smaller one. */
export function budgets({ of, measured }: CaseResult): Judged[] {
  switch (of.name) {
    case "catalog-open":
      return within("open and resolve a tag", 1.5, measured);
    case "catalog-push":
      return [...within("push and tag", 1.3, measured), ...held("pushing", measured)];
    case "catalog-delete":
      return [...within("delete an image of ten blobs", 1.5, measured), ...held("deleting", measured)];
    case "catalog-gc":
      // From 10 000 on, where that is measured.
      return [
        ...within("collect 1 000 dead blobs", 2, measured.length > 2 ? measured.slice(1) : measured),
        ...held("collecting", measured),
      ];
    case "catalog-full":
      return held("marking all", measured);
    case "catalog-beside":
      return measured.flatMap(({ setting, figures }) =>
        figures.flatMap(({ contestant, cost }) => {
          const idle = cost?.inside?.idle;
          if (!cost || !idle) return [];
          const target = `99 of 100 pushes during ${contestant.command} of ${setting.label} within 3 x of idle`;
          return [{ target, figure: times(cost.wall / idle), holds: cost.wall <= 3 * idle }];
        }),
      );
    case "mark":
      return measured.flatMap(mark);
    default:
      return [];
  }
}

/** The largest beside the smallest. */
function within(what: string, most: number, measured: readonly Measured[]): Judged[] {
  const [first, ...others] = measured;
  const before = first?.figures[0]?.cost;
  return others.flatMap(({ setting, figures }) => {
    const cost = figures[0]?.cost;
    if (!before || !cost) return [];
    const ratio = cost.wall / before.wall;
    const target = `${what}: ${setting.label} within ${most} x of ${first!.setting.label}`;
    return [{ target, figure: times(ratio), holds: ratio <= most }];
  });
}

/** At the largest size. */
function held(doing: string, measured: readonly Measured[]): Judged[] {
  const last = measured.findLast(({ figures }) => figures[0]?.cost?.inside?.held !== undefined);
  if (!last) return [];
  const ms = last.figures[0]!.cost!.inside!.held!;
  const target = `${doing} holds the event loop for ${HELD} ms at the most: ${last.setting.label}`;
  return [{ target, figure: time(ms), holds: ms <= HELD }];
}

function mark(each: Measured): Judged[] {
  const figures = byWho(each);
  const [ours, bare] = [figures.get("ocistore")?.cost, figures.get("a bare search")?.cost];
  if (!ours || !bare) return [];
  const ratio = ours.wall / bare.wall;
  return [
    { target: `mark ${each.setting.label}, within 3 x of a bare search`, figure: times(ratio), holds: ratio <= 3 },
    {
      target: "the same in less than 300 MiB",
      figure: `${Math.round(ours.memory / MIB)} MiB`,
      holds: ours.memory < 300 * MIB,
    },
  ];
}
