import { join } from "node:path";
import type { Case, Contestant, Scale, Setting } from "./case.ts";
import { type Cost, MeasureError, measure, median } from "./measure.ts";
import type { Workspace } from "./workspace.ts";

export interface Figure {
  readonly contestant: Contestant;
  /** Of each run; none if it was ended, or failed. */
  readonly costs: readonly Cost[];
  readonly cost?: Cost;
  readonly outcome?: string | undefined;
  /** Why there are no figures. */
  readonly failed?: string;
}

export interface Measured {
  readonly setting: Setting;
  readonly figures: readonly Figure[];
}

export interface CaseResult {
  readonly of: Case;
  readonly measured: readonly Measured[];
}

/** Runs after which there is enough, however quick they were; one that takes long is not run again and again. */
const ENOUGH_MS = 8000;

export async function runCase(of: Case, workspace: Workspace, scale: Scale, say: (line: string) => void) {
  const measured: Measured[] = [];
  for (const setting of of.settings(workspace, scale)) {
    const figures: Figure[] = [];
    for (const contestant of setting.contestants) {
      const figure = await runContestant(contestant, setting, workspace, scale);
      figures.push(figure);
      say(`${of.name}, ${setting.label}, ${contestant.who}: ${figure.failed ?? `${Math.round(figure.cost!.wall)} ms`}`);
    }
    measured.push({ setting, figures });
  }
  return { of, measured };
}

async function runContestant(
  contestant: Contestant,
  setting: Setting,
  workspace: Workspace,
  { runs, limit }: Scale,
): Promise<Figure> {
  const costs: Cost[] = [];
  let outcome: string | undefined;
  const most = Math.min(runs, setting.runs ?? runs);
  const allowed = Math.max(limit, setting.limit ?? 0);
  for (let spent = 0; costs.length < most && spent < ENOUGH_MS; ) {
    const place = await setting.place({ hasCatalog: contestant.hasCatalog ?? false });
    try {
      await workspace.settle();
      const options = {
        scratch: join(workspace.directory, "time"),
        limit: allowed,
        isTimedInside: contestant.isTimedInside,
      };
      const cost = await measure(contestant.argv(place), options);
      costs.push(cost);
      spent += cost.wall;
      outcome = setting.outcome?.(place, cost.inside ?? {});
    } catch (error) {
      if (!(error instanceof MeasureError && (error.isTooLong || contestant.isPeer))) throw error;
      return { contestant, costs: [], failed: reasonOf(error, workspace) };
    } finally {
      await workspace.drop(place);
    }
  }
  return { contestant, costs, cost: median(costs), outcome };
}

/** Without the names of this machine. */
function reasonOf({ reason }: MeasureError, { directory }: Workspace): string {
  return reason.replaceAll(directory, "…").replaceAll("|", "\\|").slice(0, 160);
}
