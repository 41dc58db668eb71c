import { type CatalogCell, CellCatalog, MemoryBlobs, memoryCell, recordedFacts } from "@ocistore/core";
import type { Declaration, Factory, ManualEnvironment, Pair } from "../src/index.ts";

export const POLICY = { grace: 3_600_000, window: 0, wait: 0 };

export function memoryDeclaration(generations: boolean): Declaration {
  return {
    blobs: { generations, resumableUploads: true, multiWriter: false },
    catalog: { edges: true, queue: false, repositories: true, window: true },
  };
}

export function catalogOver(cell: CatalogCell, env: ManualEnvironment): CellCatalog {
  return new CellCatalog(cell, { facts: recordedFacts, env, window: true });
}

/** The memory backend, each half of which may be wrapped. */
export function memoryFactory(generations: boolean, wrap: (pair: Pair) => Pair = (pair) => pair): Factory {
  return async (env) => {
    const cell = memoryCell(env, POLICY);
    const blobs = new MemoryBlobs(env, { generations });
    const open = () => wrap({ blobs, catalog: catalogOver(cell, env) });
    return { ...open(), reopen: async () => open(), close: async () => {} };
  };
}
