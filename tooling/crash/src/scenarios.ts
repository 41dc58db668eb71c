import type { Scenario } from "./scenario.ts";
import { deletions } from "./scenarios/deletions.ts";
import { marks } from "./scenarios/marks.ts";
import { pushes } from "./scenarios/pushes.ts";
import { repairs } from "./scenarios/repairs.ts";

/** Every operation that changes a layout. */
export const scenarios: readonly Scenario[] = [...pushes, ...marks, ...deletions, ...repairs];
