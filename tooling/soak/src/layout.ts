import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

// A second reader of layouts, as simple as can be, that shares nothing with the one it is to judge.

export interface Entry {
  readonly digest: string;
  readonly size?: number;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const NAME = "org.opencontainers.image.ref.name";

export async function entriesIn(directory: string): Promise<readonly Entry[]> {
  return JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests;
}

/** Of several entries with one name the last counts. */
export function tagsOf(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(
    entries.flatMap((entry) => {
      const name = entry.annotations?.[NAME];
      return name === undefined ? [] : [[name, entry] as const];
    }),
  );
}

export interface Walked {
  readonly found: ReadonlySet<string>;
  /** Named, and not there. */
  readonly missing: ReadonlySet<string>;
  /** There, with other bytes than it is named after. */
  readonly wrong: ReadonlySet<string>;
}

/** Reads all that these lead to; subjects too where they are there. */
export async function walk(directory: string, entries: readonly Entry[]): Promise<Walked> {
  const found = new Set<string>();
  const missing = new Set<string>();
  const wrong = new Set<string>();
  const queue: { readonly entry: Entry; readonly isSubject?: boolean }[] = entries.map((entry) => ({ entry }));
  for (let next = 0; next < queue.length; next++) {
    const { entry, isSubject } = queue[next]!;
    const { digest, mediaType = "" } = entry;
    if (found.has(digest)) continue;
    const bytes = await bytesOf(directory, digest);
    if (!bytes) {
      if (!isSubject) missing.add(digest);
      continue;
    }
    found.add(digest);
    const { size = bytes.length } = entry;
    if (`sha256:${createHash("sha256").update(bytes).digest("hex")}` !== digest || bytes.length !== size) {
      wrong.add(digest);
    } else if (/\b(manifest|index)\b/.test(mediaType)) {
      const { config, layers = [], manifests = [], subject } = JSON.parse(bytes.toString("utf8"));
      for (const each of [config, ...layers, ...manifests]) if (each) queue.push({ entry: each });
      if (subject) queue.push({ entry: subject, isSubject: true });
    }
  }
  return { found, missing, wrong };
}

async function bytesOf(directory: string, digest: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(directory, "blobs", digest.replace(":", "/")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function blobsIn(directory: string): Promise<Set<string>> {
  return new Set((await readdir(join(directory, "blobs/sha256"))).map((name) => `sha256:${name}`));
}

/** Files that only somebody who is at work needs: new versions, uploads, claims, what is condemned, a lock that is held. */
export async function debrisIn(directory: string): Promise<string[]> {
  const ours = join(directory, ".ocistore");
  const entries = await readdir(ours, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ours.length + 1));
  const debris = paths.filter((path) => !LASTING.test(path));
  // The highest number is the lock; those below lie there until so many have come together that somebody tidies.
  const locks = paths.filter((path) => NUMBERED.test(path)).sort();
  const newest = locks.at(-1);
  if (newest && !(await readFile(join(ours, newest), "utf8")).startsWith("free")) debris.push(newest);
  if (locks.length > KEPT_LOCKS) debris.push(`${locks.length} lock files`);
  return debris;
}

const LASTING = /^(store\.json|leases\.json|catalog\.db|lost\.json|lock[/](kernel|floor|reserve|\d{16}))$/;
const NUMBERED = /^lock[/]\d{16}$/;
const KEPT_LOCKS = 66;
