export { ManualEnvironment } from "./environment.ts";
export type { Group } from "./groups.ts";
export type { Declaration, Factory, Faults, Harness, Pair } from "./harness.ts";
export { seeded } from "./seeded.ts";
export { type LeftOut, leftOut, type SuiteOptions, suite, type Test } from "./suite.ts";
