import { type Digest, isOciStoreError, type Repository } from "@ocistore/core";
import type { Chance } from "./chance.ts";
import { clock, type Journal, type Line, type Look, readJournal } from "./journal.ts";
import { entriesIn, tagsOf, walk } from "./layout.ts";
import { KEPT, TAGS } from "./work.ts";

export interface Reader {
  readonly repository: Repository;
  readonly directory: string;
  readonly journal: Journal;
  readonly chance: Chance;
}

/** Reads a tag and all that it names, through the library or as another tool would, and writes down what it saw. */
export async function readOnce(reader: Reader): Promise<void> {
  const { chance, journal } = reader;
  journal.write({ look: await (chance.is(0.5) ? readThrough(reader) : readPlainly(reader)) });
}

async function readThrough({ repository, chance }: Reader): Promise<Look> {
  const names: string[] = [];
  if (chance.is(0.3)) for await (const { name } of repository.tags()) names.push(name);
  const tag = chance.pick(names.length > 0 ? names : TAGS);
  const start = clock();
  const found = await repository.find(tag);
  const look = { what: "read", tag, start, saw: found?.digest ?? null } as const;
  try {
    if (found) await readAll(repository, found.digest, tag);
    return { ...look, end: clock() };
  } catch (error) {
    if (!isOciStoreError(error)) throw error;
    return { ...look, end: clock(), broken: `${error.code} ${error.message}` };
  }
}

/** What it names, and its signatures: of those somebody may take one away while the tag stays, unless they are kept. */
async function readAll(repository: Repository, root: Digest, tag: string): Promise<void> {
  const manifests = await readContent(repository, root);
  for (const manifest of manifests) {
    for await (const { digest } of repository.referrers(manifest)) {
      try {
        await readContent(repository, digest);
      } catch (error) {
        if (tag.startsWith(KEPT) || !isOciStoreError(error, "NOT_FOUND")) throw error;
      }
    }
  }
}

async function readContent(repository: Repository, root: Digest): Promise<Set<Digest>> {
  const manifests = new Set([root]);
  const blobs = new Set<Digest>();
  for (const digest of manifests) {
    await read(repository, digest);
    for (const { to, kind } of await repository.successors(digest)) {
      if (kind === "manifest") manifests.add(to);
      else if (kind !== "subject") blobs.add(to);
    }
  }
  for (const digest of blobs) await read(repository, digest);
  return manifests;
}

/** Verified while it passes. */
async function read(repository: Repository, digest: Digest): Promise<void> {
  for await (const _ of repository.blob(digest));
}

async function readPlainly({ directory, chance }: Reader): Promise<Look> {
  const start = clock();
  const tags = tagsOf(await entriesIn(directory));
  const tag = chance.pick(chance.is(0.3) && tags.size > 0 ? [...tags.keys()] : TAGS);
  const entry = tags.get(tag);
  const { missing, wrong } = await walk(directory, entry ? [entry] : []);
  const broken = [...[...missing].map((each) => `no ${each}`), ...[...wrong].map((each) => `wrong bytes of ${each}`)];
  return {
    what: "plain read",
    tag,
    start,
    end: clock(),
    saw: entry?.digest ?? null,
    ...(broken.length > 0 && { broken: broken.join(", ") }),
  };
}

interface Acknowledged {
  readonly tag: string;
  readonly digest: string;
  readonly acknowledged: number;
  readonly due: number;
}

/**
 * Follows the journals of others, and looks again at every tag that was acknowledged, at some time within `grace`: has a
 * tool that honours no lock dropped its entry, then what it named is there all the same.
 */
export class DropWatch {
  readonly #reader: Reader;
  readonly #grace: number;
  readonly #pending: Acknowledged[] = [];
  readonly #read = new Map<string, number>();

  constructor(reader: Reader, grace: number) {
    this.#reader = reader;
    this.#grace = grace;
  }

  async look(journals: readonly string[]): Promise<void> {
    for (const path of journals) this.#follow(path);
    for (const each of this.#pending.filter(({ due }) => due <= clock())) {
      this.#pending.splice(this.#pending.indexOf(each), 1);
      await this.#lookAt(each);
    }
  }

  #follow(path: string): void {
    const lines = readJournal(path);
    const begun = new Map(lines.flatMap((line) => ("begin" in line ? [[line.n, line.begin] as const] : [])));
    for (const line of lines.slice(this.#read.get(path) ?? 0)) {
      if (!isDone(line)) continue;
      for (const { tag, to } of begun.get(line.n)?.effects ?? []) {
        // Just before the grace is over it has been waited for longest.
        const due = line.at + this.#grace * (0.3 + 0.65 * this.#reader.chance.next());
        if (to !== null && !TAGS.includes(tag)) this.#pending.push({ tag, digest: to, acknowledged: line.at, due });
      }
    }
    this.#read.set(path, lines.length);
  }

  async #lookAt({ tag, digest, acknowledged }: Acknowledged): Promise<void> {
    const { directory, journal } = this.#reader;
    if (tagsOf(await entriesIn(directory)).has(tag)) return;
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const { missing } = await walk(directory, [{ digest, mediaType }]);
    const end = clock();
    if (end - acknowledged > this.#grace) return;
    journal.write({
      look: { what: "look after a drop", tag, start: acknowledged, end, saw: digest, missing: [...missing] },
    });
  }
}

function isDone(line: Line): line is Extract<Line, { n: number }> & { readonly end: { readonly outcome: "done" } } {
  return "end" in line && line.end.outcome === "done";
}
