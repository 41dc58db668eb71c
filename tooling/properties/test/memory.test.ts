import { openMemory } from "@ocistore/core";
import { describe, test } from "vitest";
import { propertyTests } from "../src/index.ts";

describe.each([true, false])("memory, generations: %s", (generations) => {
  propertyTests({
    test,
    factory: async (env) => {
      const store = await openMemory({ env, generations });
      return { store, close: () => store.close() };
    },
    abilities: { repositories: true, explicit: true, generations },
    runs: 800,
    seed: 20,
  });
});
