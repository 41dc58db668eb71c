import { defineConfig, mergeConfig } from "vitest/config";
import { project } from "../vitest/project.ts";
import { instrumented } from "./src/instrument.ts";

const READERS = /\/packages\/(core\/src\/model|backend-fs\/src\/(archive|layout|sidecar))\/.*\.ts$/;

export default mergeConfig(
  project("fuzz"),
  defineConfig({
    plugins: [instrumented(READERS)],
    test: { setupFiles: ["./src/hits.ts"], testTimeout: 24 * 60 * 60_000 },
  }),
);
