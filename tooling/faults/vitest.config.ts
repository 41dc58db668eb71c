import { defineConfig, mergeConfig } from "vitest/config";
import { project } from "../vitest/project.ts";

// One test tries hundreds of failures, with OCISTORE_FAULTS=all thousands.
const testTimeout = process.env.OCISTORE_FAULTS === "all" ? 3_600_000 : 600_000;
export default mergeConfig(project("faults"), defineConfig({ test: { testTimeout } }));
