import type { Script } from "./operations.ts";

/** Scripts that found something once, each under the name of what was wrong. */
export const regressions: Readonly<Record<string, Script>> = {};
