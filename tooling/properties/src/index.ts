export { type ManualClock, manualClock } from "./clock.ts";
export { type CopyTests, copyTests } from "./copying.ts";
export type { Operation, Script } from "./operations.ts";
export { type PropertyTests, propertyTests } from "./property-tests.ts";
export { regressions } from "./regressions.ts";
export { type RepairTests, repairTests } from "./repairing.ts";
export { runScript } from "./run.ts";
export type { Abilities } from "./world.ts";
