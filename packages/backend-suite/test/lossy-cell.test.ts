import { Draft, MemoryBlobs } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { type Factory, ManualEnvironment, suite } from "../src/index.ts";
import { lossyCell } from "./lossy-cell.ts";
import { catalogOver, memoryDeclaration } from "./support.ts";

class SharedBlobs extends MemoryBlobs {
  override readonly capabilities = { generations: true, resumableUploads: true, multiWriter: true };
}

function lossy(losses: number, seed: number): Factory {
  return async (env) => {
    for (let i = 0; i < seed; i++) env.chance();
    const cell = lossyCell(env, losses);
    const blobs = new SharedBlobs(env, { generations: true });
    const open = () => ({ blobs, catalog: catalogOver(cell, env) });
    return { ...open(), reopen: async () => open(), close: async () => {} };
  };
}

describe.each([
  [0, 1],
  [0.2, 2],
  [0.5, 3],
])("a catalog over a cell without a lock that loses %s of its replacements", (losses, seed) => {
  const { blobs, catalog } = memoryDeclaration(true);
  suite({ test, factory: lossy(losses, seed), declared: { blobs: { ...blobs, multiWriter: true }, catalog } });
});

test("the cell really loses, and changes nothing then", async () => {
  const cell = lossyCell(new ManualEnvironment(), 1);
  const { state, version } = await cell.load();
  const draft = new Draft(state);
  draft.leases.set("collect", { epoch: 1, until: 1 });
  expect(await cell.replace(version, draft)).toBe(false);
  expect((await cell.load()).state).toBe(state);
});
