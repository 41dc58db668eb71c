import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Environment, systemEnvironment } from "@ocistore/core";
import { expect } from "vitest";
import { type CliOptions, cli, type Result, sampleIn, temporary } from "../harness.ts";

/** One thing that happens in a transcript; what it resolves with is written down. */
export type Step = (scene: Scene) => Promise<string>;

interface Scene {
  readonly cwd: string;
  readonly clock: Environment & { advance(ms: number): void };
  /** What commands have been asked to keep, for later ones. */
  readonly kept: Map<string, string>;
}

/** Runs the steps in a directory of their own, and compares all they say with `NAME.txt` beside this file. */
export async function transcript(name: string, steps: readonly Step[]): Promise<void> {
  const scene: Scene = { cwd: await temporary(), clock: manualClock(), kept: new Map() };
  const parts: string[] = [];
  for (const step of steps) parts.push(await step(scene));
  const said = stable(parts.filter((part) => part !== "").join("\n"), scene.cwd);
  await expect(said).toMatchFileSnapshot(`./${name}.txt`);
}

interface RunOptions extends Pick<CliOptions, "env" | "typed" | "piped"> {
  /** Keeps the first digest or run that it prints under this name: `$name` in later commands is that. */
  readonly keep?: string;
}

/** `ocistore LINE`. Words are split at spaces; single quotes hold one together. */
export function run(line: string, { keep, env, ...o }: RunOptions = {}): Step {
  return async ({ cwd, clock, kept }) => {
    const full = line.replace(/\$([a-z]\w*)/g, (_, each: string) => kept.get(each) ?? missing(each));
    const argv = [...full.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
    // Colours and the redrawn line of progress are for tests of their own.
    const result = await cli(argv, { cwd, clock, env: { TERM: "dumb", ...env }, ...o });
    if (keep !== undefined) kept.set(keep, firstName(result));
    return shown(full, result, { ...o, ...(env && { env }) });
  };
}

/** The same command twice: as text, and with `--json`. For what changes nothing. */
export function both(line: string, o?: RunOptions): Step {
  return async (scene) => `${await run(line, o)(scene)}\n${await run(`${line} --json`, o)(scene)}`;
}

export function write(file: string, content: string): Step {
  return async ({ cwd }) => {
    await mkdir(dirname(join(cwd, file)), { recursive: true });
    await writeFile(join(cwd, file), content);
    return `# ${file}: ${JSON.stringify(content)}\n`;
  };
}

/** `store`, as `sample()` makes it; keeps `$shared`, `$own`, `$amd64`, `$arm64`, `$v1`, `$v2`, `$signature`. */
export function sampleStore(): Step {
  return async ({ cwd, clock, kept }) => {
    const { cwd: _, directory: __, ...descriptors } = await sampleIn(cwd, clock);
    for (const [name, { digest }] of Object.entries(descriptors)) kept.set(name, digest);
    return "# a store with v1, an index of two images that somebody has signed, and v2, an artifact\n";
  };
}

/** Does something that is no command, and says what. */
export function also(words: string, work: (scene: Scene) => Promise<unknown>): Step {
  return async (scene) => {
    await work(scene);
    return `# ${words}\n`;
  };
}

export function later(hours: number): Step {
  return async ({ clock }) => {
    clock.advance(hours * 3_600_000);
    return `# ${hours} h later\n`;
  };
}

function shown(line: string, { exit, bytes, out, err }: Result, { env = {}, ...o }: RunOptions): string {
  const set = Object.entries(env).map(([key, value]) => `${key}=${value} `);
  const piped = o.piped instanceof Uint8Array ? ` < ${JSON.stringify(Buffer.from(o.piped).toString())}` : "";
  const typed = o.typed === undefined ? "" : `   # at a terminal, answering ${JSON.stringify(o.typed)}`;
  const body = out.includes("\0") ? `(${bytes.length} bytes)\n` : out;
  const end = body === "" || body.endsWith("\n") ? "" : "⏎\n";
  const remarks = err.replace(/^(?=.)/gm, "! ");
  const ended = err === "" || err.endsWith("\n") ? "" : "⏎\n";
  return `$ ${set.join("")}ocistore ${line}${piped}${typed}\n${body}${end}${remarks}${ended}= ${exit}\n`;
}

function firstName({ out, err }: Result): string {
  return /sha256:[0-9a-f]{64}|\b[0-9a-f]{32}\b/.exec(`${out}${err}`)?.[0] ?? missing("what it should keep");
}

function missing(what: string): never {
  throw new Error(`no ${what} so far`);
}

/** What differs from run to run and from place to place, by names that do not. */
function stable(said: string, cwd: string): string {
  const names = new Map<string, string>();
  return said
    .replaceAll(cwd, "/here")
    .replace(/(?<![0-9a-f:])[0-9a-f]{32}(?![0-9a-f])/g, (id) => {
      if (!names.has(id)) names.set(id, String(names.size + 1).padStart(32, "0"));
      return names.get(id)!;
    })
    .replace(/ocistore \d+\.\d+\.\d+\S* \(node v[^)]*\)/g, "ocistore VERSION (node VERSION)")
    .replace(/"version":"[^"]*","node":"[^"]*"/g, '"version":"VERSION","node":"VERSION"');
}

/** Stands still until it is told to go on. Chance is the same in every run. */
function manualClock(): Scene["clock"] {
  let now = Date.parse("2026-01-01T00:00:00Z");
  let drawn = 0;
  return {
    now: () => now,
    random: (bytes) => new Uint8Array(createHash("shake256", { outputLength: bytes }).update(`${drawn++}`).digest()),
    sleep: systemEnvironment.sleep,
    advance: (ms) => {
      now += ms;
    },
  };
}
