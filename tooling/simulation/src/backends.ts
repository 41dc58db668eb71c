import { layouts } from "./variants/fs.ts";
import { memory } from "./variants/memory.ts";
import { sqlite } from "./variants/sqlite.ts";
import type { Variant } from "./variants/variant.ts";

/** By what `simulate --backend` calls them. */
export const BACKENDS: Readonly<Record<string, Variant>> = {
  memory: memory({ names: "own" }),
  "memory-fixed": memory({ names: "fixed" }),
  fs: layouts({ lock: "step" }),
  "fs-lock": layouts({ lock: "files" }),
  sqlite: sqlite({ names: "own" }),
  "sqlite-fixed": sqlite({ names: "fixed" }),
};

/** Those on which named races are tried in every order. */
export const RACED: readonly (readonly [string, Variant])[] = [
  ["memory", BACKENDS.memory!],
  ["fs", layouts({ lock: "step", coarse: true })],
  ["sqlite", sqlite({ names: "fixed", coarse: true })],
];
