import { type ChildProcess, fork } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutated } from "./mutant.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FOREMAN = fileURLToPath(new URL("foreman.mjs", import.meta.url));
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
  #foreman: ChildProcess | undefined;
  /** What the next run must not remember. */
  #changed: string[] = [];

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
    this.#changed.push(path);
    try {
      return await this.#run(file, title);
    } finally {
      await writeFile(path, source);
      this.#changed.push(path);
    }
  }

  async close(): Promise<void> {
    if (this.#foreman) end(this.#foreman);
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  #run(file: string, title: string): Promise<Verdict> {
    const foreman = this.#present();
    const changed = this.#changed.splice(0);
    return new Promise((resolve) => {
      const settle = (verdict: Verdict) => {
        clearTimeout(deadline);
        foreman.off("message", settle).off("exit", gone).stderr?.off("data", hear);
        resolve(verdict);
      };
      let said = "";
      const hear = (text: Buffer) => (said += text);
      const gone = () => {
        this.#foreman = undefined;
        settle({ failed: [], passed: [], output: `the process that ran it has ended: ${said}` });
      };
      const deadline = setTimeout(() => end(foreman), 3 * PATIENCE);
      foreman.on("message", settle).on("exit", gone).stderr?.on("data", hear);
      foreman.send({
        root: join(this.#directory, ...file.split("/").slice(0, 2)),
        file: join(this.#directory, file),
        pattern: title.replace(/[^\w\s-]/g, "."),
        changed,
      });
    });
  }

  #present(): ChildProcess {
    this.#foreman ??= fork(FOREMAN, [`${PATIENCE}`], {
      env: { ...process.env, NO_COLOR: "1" },
      execArgv: [],
      detached: true,
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    return this.#foreman;
  }
}

/** With all that it has started. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

function isCopied(source: string): boolean {
  if (source.includes(`${sep}node_modules${sep}.`)) return false;
  return !LEFT_OUT.has(basename(source));
}
