import { type Claim, type Digest, isDigest } from "@ocistore/core";
import { closing, type Directories, writeAll } from "../files/durable.ts";
import type { FileHandle, FileSystem } from "../files/file-system.ts";
import { regularFiles, unlinkIfThere } from "../files/listing.ts";
import { readWhole } from "../files/read.ts";
import { isSafeName, type Paths } from "../layout/paths.ts";

// What an open session holds is a file of its own, `.ocistore/sessions/<owner>`, of lines that are only ever added:
//
//   until 1764000000000          the claims end then
//   hold sha256:…                this is held
//
// It is written under the lock, and whatever it decides is read under it. It need not survive a power failure, since no
// session does; a last line without its end was being written when its writer died or failed, and whoever was to be told
// has not been told. So every addition begins on a line of its own, and says `until` anew.

const NEWLINE = 0x0a;
const LIMIT = 256 * 1024 * 1024;

interface Known {
  /** Up to the end of the last whole line. */
  readonly bytes: Uint8Array;
  readonly claim: Claim;
}

/** Reads the sessions, and of each only understands anew what has been added. */
export class SessionFiles {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #directories: Directories;
  readonly #known = new Map<string, Known>();

  constructor(fs: FileSystem, paths: Paths, directories: Directories) {
    this.#fs = fs;
    this.#paths = paths;
    this.#directories = directories;
  }

  async read(): Promise<Map<string, Claim>> {
    const claims = new Map<string, Claim>();
    for await (const { name, path } of regularFiles(this.#fs, this.#paths.sessions)) {
      const content = isSafeName(name) ? await readWhole(this.#fs, path, LIMIT) : undefined;
      // Whatever else lies there is not ours to judge, and above all not to remove.
      if (!content || !startsLikeSession(content)) continue;
      const bytes = content.subarray(0, content.lastIndexOf(NEWLINE) + 1);
      let known = this.#known.get(name);
      // By its bytes, since nothing else tells: a session of the same name may get the same inode, size and time.
      const isLonger = known && Buffer.compare(known.bytes, bytes.subarray(0, known.bytes.length)) === 0;
      known = {
        bytes,
        claim: parseSession(bytes.subarray(isLonger ? known!.bytes.length : 0), isLonger ? known : undefined),
      };
      this.#known.set(name, known);
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
    const lines = [`until ${after.until}`];
    for (const digest of wanted) if (!isGrowing || !held.has(digest)) lines.push(`hold ${digest}`);
    if (isGrowing) {
      await this.#append(await this.#fs.open(path, "r+"), lines);
      return;
    }
    // One that says less takes the place of the old one whole: a failure half-way must not lose what both hold.
    await this.#directories.ensure(this.#paths.sessions);
    const fresh = this.#paths.fresh("session");
    await unlinkIfThere(this.#fs, fresh);
    await this.#append(await this.#fs.open(fresh, "wx"), lines);
    await this.#fs.rename(fresh, path);
  }

  async #append(handle: FileHandle, lines: readonly string[]): Promise<void> {
    await closing(handle, async () => {
      const { size } = await handle.stat();
      const text = `${size > 0 ? "\n" : ""}${lines.join("\n")}\n`;
      await writeAll(handle, new TextEncoder().encode(text), size);
    });
  }
}

/**
 * A file that is still empty is one whose writer died, or has not got further yet; one of zeros, or with zeros before what was
 * added later, is what a power failure has left.
 */
function startsLikeSession(content: Uint8Array): boolean {
  return content.length === 0 || content[0] === 0 || new TextDecoder().decode(content.subarray(0, 6)) === "until ";
}

function heldBy(claim: Claim | undefined): ReadonlySet<Digest> {
  return claim?.held.get("") ?? new Set();
}

/** What these lines say, on top of what is known. */
function parseSession(bytes: Uint8Array, known: Known | undefined): Claim {
  if (known && bytes.length === 0) return known.claim;
  let until = known?.claim.until ?? 0;
  const held = new Set(heldBy(known?.claim));
  for (const line of new TextDecoder().decode(bytes).split("\n")) {
    const [word, value = ""] = line.split(" ");
    if (word === "until" && Number.isSafeInteger(Number(value))) until = Number(value);
    else if (word === "hold" && isDigest(value)) held.add(value);
  }
  return { until, held: new Map([["", held]]) };
}
