import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout } from "@ocistore/backend-fs";
import { openMemory } from "@ocistore/core";
import { describe, test } from "vitest";
import { copyTests } from "../src/index.ts";

describe.each([true, false])("between two stores in memory, generations: %s", (generations) => {
  copyTests({
    test,
    factory: async (env) => {
      const [source, target] = [await openMemory({ env, generations }), await openMemory({ env, generations })];
      const close = async () => {
        await source.close();
        await target.close();
      };
      return { source, target, from: source.repository("a"), to: target.repository("b"), close };
    },
    runs: 100,
    seed: 7,
  });
});

describe("between two repositories of a store in memory", () => {
  copyTests({
    test,
    factory: async (env) => {
      const store = await openMemory({ env });
      const [from, to] = [store.repository("a"), store.repository("b")];
      return { source: store, target: store, from, to, close: () => store.close() };
    },
    runs: 100,
    seed: 7,
  });
});

// Every step is synced, which memory does at once.
const ground = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

describe("between two layouts on disk", () => {
  copyTests({
    test,
    factory: async (env) => {
      const directory = await mkdtemp(join(ground, "ocistore-copying-"));
      const source = await openLayout(join(directory, "source"), { create: true, env });
      const target = await openLayout(join(directory, "target"), { create: true, env });
      const close = async () => {
        await source.close();
        await target.close();
        await rm(directory, { recursive: true, force: true });
      };
      return { source, target, from: source.repository(), to: target.repository(), close };
    },
    runs: 6,
    seed: 7,
    startsAt: Date.now(),
  });
});
