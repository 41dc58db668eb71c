import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const execute = promisify(execFile);

/** The Debian package of each program that these tests start. */
const PACKAGES: Readonly<Record<string, string>> = {
  skopeo: "skopeo",
  umoci: "umoci",
  jq: "jq",
  openssl: "openssl",
  zstd: "zstd",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  tar: "tar",
  sha256sum: "coreutils",
};

/** @throws One line that says what to install. A peer that is not there fails the tests; it does not skip them. */
export function requireTools(...names: readonly string[]): void {
  const path = (process.env.PATH ?? "").split(delimiter);
  const missing = names.filter((name) => !path.some((directory) => existsSync(join(directory, name))));
  if (missing.length === 0) return;
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(" ");
  throw new Error(`${missing.join(", ")} missing: apt-get install -y --no-install-recommends ${packages}`);
}

/** Its standard output. @throws With what it wrote to standard error. */
export async function run(
  program: string,
  args: readonly string[],
  o: { readonly env?: NodeJS.ProcessEnv; readonly timeout?: number } = {},
): Promise<string> {
  const { stdout } = await execute(program, args, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024, ...o });
  return stdout;
}

/** What it wrote to standard error. @throws If it succeeds. */
export async function failing(program: string, args: readonly string[]): Promise<string> {
  try {
    await run(program, args);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (typeof code === "number" && stderr !== undefined) return stderr;
    throw error;
  }
  throw new Error(`${program} ${args.join(" ")} succeeded, and should not have`);
}

/** Debian's skopeo comes without a trust policy where recommended packages are left out. */
export const skopeo = (...args: readonly string[]): Promise<string> => run("skopeo", ["--insecure-policy", ...args]);
export const umoci = (...args: readonly string[]): Promise<string> => run("umoci", args);

/** A directory that goes with the test. */
export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-peers-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
