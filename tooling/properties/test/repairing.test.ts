import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLayout, repairLayout } from "@ocistore/backend-fs";
import { describe, test } from "vitest";
import { repairTests } from "../src/index.ts";

// Every step is synced, which memory does at once.
const ground = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

describe("a layout on disk, damaged by chance", () => {
  repairTests({
    test,
    factory: async (env) => {
      const base = await mkdtemp(join(ground, "ocistore-repairing-"));
      const [directory, other] = [join(base, "layout"), join(base, "mirror")];
      for (const each of [directory, other]) await (await openLayout(each, { create: true, env })).close();
      const mirror = await openLayout(other, { env });
      return {
        directory,
        mirror,
        open: () => openLayout(directory, { env }),
        copied: () => cp(directory, other, { recursive: true }),
        mendLayout: () => repairLayout(directory, { env }),
        close: async () => {
          await mirror.close();
          await rm(base, { recursive: true, force: true });
        },
      };
    },
    runs: 12,
    seed: 5,
    startsAt: Date.now(),
  });
});
