import { defineConfig, mergeConfig } from "vitest/config";
import { project } from "../vitest/project.ts";

// One test tries hundreds of crashes, and the machine may have other things to do.
export default mergeConfig(project("crash"), defineConfig({ test: { testTimeout: 600_000 } }));
