import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutated } from "./mutant.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const COPIED = ["packages", "apps", "tooling", "docs", "package.json"];
const LEFT_OUT = new Set(["dist", ".turbo", "fixtures", "coverage"]);

/** A mutant that never lets go of a lock would wait for ever. */
const PATIENCE = 50_000;

export interface Verdict {
  /** Full names of the tests that failed. */
  readonly failed: readonly string[];
  readonly passed: readonly string[];
  readonly output: string;
}

/** A copy of the sources, in which one test at a time is run on one mutant at a time. */
export class Workshop {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(): Promise<Workshop> {
    const directory = await mkdtemp(join(tmpdir(), "ocistore-mutants-"));
    for (const name of COPIED) {
      // Links between the packages are relative, so those of the copy lead to the copy.
      await cp(join(ROOT, name), join(directory, name), { recursive: true, verbatimSymlinks: true, filter: isCopied });
    }
    await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
    return new Workshop(directory);
  }

  /** Runs the tests of a file whose names contain `title`, on the sources as they are or with a mutant in them. */
  async try(file: string, title: string, mutant?: Mutant): Promise<Verdict> {
    if (mutant === undefined) return this.#run(file, title);
    const path = join(this.#directory, mutant.file);
    const source = await readFile(path, "utf8");
    await writeFile(path, mutated(source, mutant));
    try {
      return await this.#run(file, title);
    } finally {
      await writeFile(path, source);
    }
  }

  close(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }

  async #run(file: string, title: string): Promise<Verdict> {
    const report = join(this.#directory, "report.json");
    await rm(report, { force: true });
    const root = join(this.#directory, ...file.split("/").slice(0, 2));
    const args = ["run", "--root", root, join(this.#directory, file), "-t", title.replace(/[^\w\s-]/g, ".")];
    const limits = ["--testTimeout", `${PATIENCE}`, "--no-file-parallelism"];
    const output = await finished([
      join(ROOT, "node_modules/vitest/vitest.mjs"),
      ...args,
      ...limits,
      "--reporter=json",
      `--outputFile=${report}`,
    ]);
    const text = await readFile(report, "utf8").catch(() => undefined);
    if (text === undefined) return { failed: [], passed: [], output };
    const { testResults } = JSON.parse(text) as Report;
    const named = (status: string) =>
      testResults.flatMap(({ assertionResults }) =>
        assertionResults.filter((each) => each.status === status).map(({ fullName }) => fullName),
      );
    const said = testResults.map(({ message }) => message ?? "").join("\n");
    return { failed: named("failed"), passed: named("passed"), output: `${output}\n${said}` };
  }
}

interface Report {
  readonly testResults: readonly {
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

function isCopied(source: string): boolean {
  if (source.includes(`${sep}node_modules${sep}.`)) return false;
  return !LEFT_OUT.has(basename(source));
}

function finished(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const child = spawn(process.execPath, args, {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const deadline = setTimeout(() => child.kill("SIGKILL"), 3 * PATIENCE);
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", () => {
      clearTimeout(deadline);
      resolve(output);
    });
  });
}
