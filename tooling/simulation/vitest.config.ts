import { defineConfig, mergeConfig } from "vitest/config";
import { project } from "../vitest/project.ts";

// Each test is thousands of runs; on a machine that is busy that takes as long as it takes.
export default mergeConfig(project("simulation"), defineConfig({ test: { testTimeout: 1_800_000 } }));
