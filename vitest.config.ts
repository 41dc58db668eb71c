import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: ["packages/*", "apps/*", "tooling/*/vitest.config.ts"],
    // On all processors: left to itself it keeps one free, which of two is half of the machine.
    maxWorkers: availableParallelism(),
  },
});
