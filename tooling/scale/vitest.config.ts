import { defineConfig, mergeConfig } from "vitest/config";
import { project } from "../vitest/project.ts";
import { HEAP } from "./src/size.ts";

// The limit is the test: who keeps an object for each node or edge is ended by it. Typed arrays do not count, and are
// looked at by the tests themselves.
export default mergeConfig(
  project("scale"),
  defineConfig({ test: { pool: "forks", execArgv: [`--max-old-space-size=${HEAP}`, "--expose-gc"] } }),
);
