import { type CatalogCell, CellCatalog, type Draft, MemoryBlobs, memoryCell, recordedFacts } from "@ocistore/core";
import type { Factory, ManualEnvironment, Pair } from "../../src/index.ts";
import { POLICY } from "../support.ts";

export interface Whole extends Pair {
  readonly cell: CatalogCell;
  readonly env: ManualEnvironment;
}

/** The memory backend with one rule broken, and the test that has to notice. */
export interface Mutant {
  readonly name: string;
  readonly test: string;
  readonly generations?: boolean;
  /** Another cell below the same catalog. */
  readonly cell?: (cell: CatalogCell) => CatalogCell;
  readonly break?: (whole: Whole) => Partial<Pair>;
}

export function factoryOf({ generations = true, cell: other, break: broken }: Mutant): Factory {
  return async (env) => {
    const sound = memoryCell(env, POLICY);
    const cell = other ? other(sound) : sound;
    const blobs = new MemoryBlobs(env, { generations });
    const open = (): Pair => {
      const catalog = new CellCatalog(cell, { facts: recordedFacts, env, window: true });
      return { blobs, catalog, ...broken?.({ blobs, catalog, cell, env }) };
    };
    return { ...open(), reopen: async () => open(), close: async () => {} };
  };
}

/** `target` with other methods; those it has keep their `this`. */
export function over<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      if (Object.hasOwn(methods, key)) return methods[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Writes into the document behind the back of the catalog. */
export async function rewrite(cell: CatalogCell, fresh: (state: Draft["base"]) => Draft): Promise<void> {
  const { state, version } = await cell.load();
  await cell.replace(version, fresh(state));
}
