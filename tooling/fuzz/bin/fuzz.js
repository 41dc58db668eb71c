// pnpm fuzz [--minutes N] [--target NAME] [--seed N]: the inputs that are kept, and more of a seed; with --minutes so long for
// each target, and what is found is kept.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { minutes: { type: "string" }, target: { type: "string" }, seed: { type: "string" } },
});
const { minutes, target, seed } = values;
const env = {
  ...process.env,
  ...(minutes && { OCISTORE_FUZZ_MINUTES: minutes }),
  ...(seed && { OCISTORE_FUZZ_SEED: seed }),
};
const root = fileURLToPath(new URL("../../..", import.meta.url));
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const options = ["run", "--project", "fuzz", ...(target ? ["-t", `^${target} `] : [])];
const { status } = spawnSync(process.execPath, [vitest, ...options], { cwd: root, env, stdio: "inherit" });
process.exitCode = status ?? 1;
