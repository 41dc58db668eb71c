import type { Mutant } from "../mutant.ts";
import { CLAIM } from "./claims.ts";
import { LOCK } from "./lock.ts";
import { ORDER } from "./order.ts";
import { RECHECK } from "./recheck.ts";

export { CLAIM, LOCK, ORDER, RECHECK };

export const ALL: readonly Mutant[] = [...ORDER, ...LOCK, ...RECHECK, ...CLAIM];
