import { parseArgs } from "node:util";
import type { Scale } from "./case.ts";

export const FULL: Scale = {
  sizes: [1000, 10_000, 100_000],
  pushes: 4000,
  bytes: 2 ** 30,
  images: 1000,
  manifests: [1000, 10_000, 100_000, 1_000_000],
  dead: 100_000,
  nodes: 1_000_000,
  runs: 5,
  limit: 60_000,
};

const QUICK: Scale = {
  ...FULL,
  sizes: [1000, 10_000],
  pushes: 200,
  bytes: 2 ** 28,
  images: 100,
  manifests: [1000, 10_000],
  dead: 2000,
  runs: 1,
  limit: 30_000,
};

export interface Options {
  readonly scale: Scale;
  /** The names of cases; all unless given. */
  readonly only: readonly string[] | undefined;
  /** The page; standard output unless given. */
  readonly out: string | undefined;
}

/** @param page Where a whole run writes unless told otherwise. */
export function readOptions(args: readonly string[], page: string): Options {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== "--"),
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      sizes: { type: "string" },
      manifests: { type: "string" },
      runs: { type: "string" },
      pushes: { type: "string" },
      out: { type: "string" },
    },
  });
  const base = values.quick ? QUICK : FULL;
  const sizes = values.sizes?.split(",").map(Number) ?? base.sizes;
  const manifests = values.manifests?.split(",").map(Number) ?? base.manifests;
  const runs = Number(values.runs ?? base.runs);
  const pushes = Number(values.pushes ?? base.pushes);
  if (![...sizes, ...manifests, runs, pushes].every((each) => Number.isSafeInteger(each) && each > 0)) {
    throw new TypeError(
      "--sizes and --manifests are whole numbers with commas between them, --runs and --pushes are one",
    );
  }
  const isWhole = !values.quick && !values.only && !values.sizes && !values.manifests;
  return {
    scale: { ...base, sizes, manifests, runs, pushes },
    only: values.only,
    out: values.out ?? (isWhole ? page : undefined),
  };
}
