import type { Group } from "./groups.ts";
import type { World } from "./world.ts";

/** One promise of the contract, as a test. */
export interface Rule {
  /** `concern: what holds`; stable, so that a report can be compared with an older one. */
  readonly name: string;
  readonly group: Group;
  run(world: World): Promise<void>;
}

/** Rules of one concern and one group, by their names. */
export function rules(
  concern: string,
  named: Readonly<Record<string, (world: World) => Promise<void>>>,
  group: Group = "core",
): Rule[] {
  return Object.entries(named).map(([name, run]) => ({ name: `${concern}: ${name}`, group, run }));
}
