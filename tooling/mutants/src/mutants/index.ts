import type { Mutant } from "../mutant.ts";
import { CLAIM } from "./claims.ts";
import { DURABILITY } from "./durability.ts";
import { GIVING } from "./giving.ts";
import { LOCK } from "./lock.ts";
import { ORDER } from "./order.ts";
import { PROJECTED } from "./projection.ts";
import { RECHECK } from "./recheck.ts";
import { SQL } from "./sql.ts";

export { CLAIM, DURABILITY, GIVING, LOCK, ORDER, PROJECTED, RECHECK, SQL };

export const ALL: readonly Mutant[] = [
  ...DURABILITY,
  ...ORDER,
  ...LOCK,
  ...RECHECK,
  ...GIVING,
  ...CLAIM,
  ...SQL,
  ...PROJECTED,
];
