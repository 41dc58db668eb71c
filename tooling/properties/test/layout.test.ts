import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { describe, test } from "vitest";
import { propertyTests } from "../src/index.ts";

// Every step is synced, which memory does at once.
const ground = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

describe("a layout on disk", () => {
  propertyTests({
    test,
    factory: async (env) => {
      const directory = await mkdtemp(join(ground, "ocistore-properties-"));
      const store = await openLayout(join(directory, "layout"), { create: true, env });
      return {
        store,
        close: async () => {
          await store.close();
          await rm(directory, { recursive: true, force: true });
        },
      };
    },
    abilities: { repositories: false, explicit: false, generations: false },
    runs: 25,
    seed: 20,
    startsAt: Date.now(),
  });
});
