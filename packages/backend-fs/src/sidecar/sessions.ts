import { join } from "node:path";
import { type Claim, type Digest, isDigest } from "@ocistore/core";
import { closing, makeDirectory, writeAll } from "../files/durable.ts";
import { hasCode } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { readWhole } from "../files/read.ts";
import { regularFiles } from "../layout/blobs.ts";
import type { Paths } from "../layout/paths.ts";

// What an open session holds is a file of its own, `.ocistore/sessions/<owner>`, of lines that are only ever added:
//
//   until 1764000000000          the claims end then
//   hold sha256:…                this is held
//
// It is written and read under the lock. It need not survive a power failure, since no session does; a last line without
// its end was being written when its writer died, and whoever was to be told has not been told.

const LIMIT = 256 * 1024 * 1024;

interface Known {
  readonly identity: string;
  readonly size: number;
  readonly claim: Claim;
}

/** Reads the sessions, each file again only when it has changed. */
export class SessionFiles {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #known = new Map<string, Known>();

  constructor(fs: FileSystem, paths: Paths) {
    this.#fs = fs;
    this.#paths = paths;
  }

  async read(): Promise<Map<string, Claim>> {
    const claims = new Map<string, Claim>();
    for await (const { name, path, stat } of regularFiles(this.#fs, this.#paths.sessions)) {
      let known = this.#known.get(name);
      if (known?.identity !== stat.identity || known.size !== stat.size) {
        const bytes = await readWhole(this.#fs, path, LIMIT);
        if (!bytes) continue;
        known = { identity: stat.identity, size: bytes.length, claim: parseSession(new TextDecoder().decode(bytes)) };
        this.#known.set(name, known);
      }
      claims.set(name, known.claim);
    }
    for (const name of this.#known.keys()) if (!claims.has(name)) this.#known.delete(name);
    return claims;
  }

  async write(owner: string, before: Claim | undefined, after: Claim | undefined): Promise<void> {
    const path = this.#paths.session(owner);
    if (!after) {
      await unlinkIfThere(this.#fs, path);
      return;
    }
    const held = heldBy(before);
    const wanted = heldBy(after);
    const isGrowing = before !== undefined && [...held].every((digest) => wanted.has(digest));
    if (!isGrowing) {
      if (!(await this.#fs.lstat(this.#paths.sessions))) await makeDirectory(this.#fs, this.#paths.sessions);
      await unlinkIfThere(this.#fs, path);
      await (await this.#fs.open(path, "wx")).close();
    }
    const lines: string[] = [];
    if (!isGrowing || before.until !== after.until) lines.push(`until ${after.until}\n`);
    for (const digest of wanted) if (!isGrowing || !held.has(digest)) lines.push(`hold ${digest}\n`);
    const handle = await this.#fs.open(path, "r+");
    await closing(handle, async () =>
      writeAll(handle, new TextEncoder().encode(lines.join("")), (await handle.stat()).size),
    );
  }

  /** Where they lie, for a message. */
  get directory(): string {
    return join(this.#paths.sessions);
  }
}

function heldBy(claim: Claim | undefined): ReadonlySet<Digest> {
  return claim?.held.get("") ?? new Set();
}

function parseSession(text: string): Claim {
  let until = 0;
  const held = new Set<Digest>();
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    const [word, value = ""] = line.split(" ");
    if (word === "until" && Number.isSafeInteger(Number(value))) until = Number(value);
    else if (word === "hold" && isDigest(value)) held.add(value);
  }
  return { until, held: new Map([["", held]]) };
}

async function unlinkIfThere(fs: FileSystem, path: string): Promise<void> {
  try {
    await fs.unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
