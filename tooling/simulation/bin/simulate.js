// pnpm simulate [--minutes N] [--backend NAME] [--seed N] [--runs N]: the random runs of test/random, with these in place of
// what the gate does.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    backend: { type: "string" },
    seed: { type: "string" },
    runs: { type: "string" },
  },
});
const { minutes, backend, seed, runs } = values;
const env = {
  ...process.env,
  ...(minutes && { OCISTORE_MINUTES: minutes }),
  ...(backend && { OCISTORE_BACKEND: backend }),
  // One seed is one run, unless more are asked for.
  ...(seed && { OCISTORE_SEED: seed, ...(!minutes && { OCISTORE_RUNS: "1" }) }),
  ...(runs && { OCISTORE_RUNS: runs }),
};
const root = fileURLToPath(new URL("../../..", import.meta.url));
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const files = "tooling/simulation/test/random/";
const options = ["run", "--project", "simulation", files, "--disable-console-intercept"];
const { status } = spawnSync(process.execPath, [vitest, ...options], { cwd: root, env, stdio: "inherit" });
process.exitCode = status ?? 1;
