import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";

const execute = promisify(execFile);

/** The Debian package of each program that these tests start. */
const PACKAGES: Readonly<Record<string, string>> = {
  skopeo: "skopeo",
  umoci: "umoci",
  buildah: "buildah",
  jq: "jq",
  openssl: "openssl",
  zstd: "zstd",
  "apt-get": "apt",
  "dpkg-deb": "dpkg",
  tar: "tar",
  sha256sum: "coreutils",
};

/** The programs that install-peers.sh builds, and where it leaves them. */
const BUILT: ReadonlyMap<string, string> = new Map(
  readFileSync(new URL("../../go-peers.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [name = "", , version] = line.split(" ");
      const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
      return [name, join(cache, "ocistore-ci", "peers", `${name}@${version}`, name)];
    }),
);

/** @throws One line that says what to install. A peer that is not there fails the tests; it does not skip them. */
export function requireTools(...names: readonly string[]): void {
  const unbuilt = names.filter((name) => BUILT.has(name) && !existsSync(BUILT.get(name)!));
  if (unbuilt.length > 0) throw new Error(`${unbuilt.join(", ")} missing: run tooling/peers/install-peers.sh`);
  const path = (process.env.PATH ?? "").split(delimiter);
  const isOnPath = (name: string) => path.some((directory) => existsSync(join(directory, name)));
  const missing = names.filter((name) => !BUILT.has(name) && !isOnPath(name));
  if (missing.length === 0) return;
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(" ");
  throw new Error(`${missing.join(", ")} missing: apt-get install -y --no-install-recommends ${packages}`);
}

/** What to start: one that was built, or a name to be found on the path. */
export const programOf = (name: string): string => BUILT.get(name) ?? name;

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeout?: number;
  /** What it reads from its standard input; nothing unless given. */
  readonly input?: string;
}

/** Its standard output. @throws With what it wrote to standard error. */
export async function run(program: string, args: readonly string[], o: RunOptions = {}): Promise<string> {
  const { input = "", ...options } = o;
  const running = execute(programOf(program), args, {
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  // One that does not read it may have gone before it is written.
  running.child.stdin?.on("error", () => {}).end(input);
  return (await running).stdout;
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
export const oras = (...args: readonly string[]): Promise<string> => run("oras", args);
export const regctl = (...args: readonly string[]): Promise<string> => run("regctl", args);
export const crane = (...args: readonly string[]): Promise<string> => run("crane", args);

/** A directory that goes with the test. No capitals: buildah makes the name of an image of it. */
export async function temporary(): Promise<string> {
  const directory = join(tmpdir(), `ocistore-peers-test-${randomBytes(8).toString("hex")}`);
  await mkdir(directory);
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
