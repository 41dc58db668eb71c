import { type Digest, isDigest, OciStoreError, type Signal } from "@ocistore/core";
import type { FileHandle } from "../files/file-system.ts";
import { fill } from "../files/read.ts";
import { mustBeTar } from "./magic.ts";
import { type TarMember, tarMembers } from "./tar-members.ts";

/** Where the bytes of a member lie in the archive. */
export interface Extent {
  readonly start: number;
  readonly size: number;
}

/** Where what belongs to a layout lies in an archive. */
export interface ArchiveIndex {
  readonly ociLayout: Extent;
  readonly index: Extent;
  readonly blobs: ReadonlyMap<Digest, Extent>;
}

/** More than anybody packs into one file, and few enough to be kept in memory. */
const BLOB_LIMIT = 2_000_000;

/**
 * Finds what belongs to a layout by one pass over the headers. A member counts if it is a regular file and its name, with
 * or without `./`, is one that a layout has; whatever else lies there is passed over. Nothing is unpacked, so no name
 * becomes a path.
 *
 * @throws `UNSUPPORTED` if it is compressed, or an archive of another kind; `CORRUPT` if it is cut off; `LAYOUT_INVALID`
 * for links and devices where a layout has files, for names that lead out of the archive, and for two versions of one file.
 */
export async function indexArchive(handle: FileHandle, total: number, o: Signal = {}): Promise<ArchiveIndex> {
  const read = (buffer: Uint8Array, position: number) => fill(handle, buffer, position);
  await mustBeTar(read, total);
  const files = new Map<string, Extent>();
  const blobs = new Map<Digest, Extent>();
  const strangers = new Strangers();
  for await (const member of tarMembers(read, total, o)) {
    const name = cleanName(member.name);
    const digest = digestIn(name);
    if (digest === undefined && !FILES.has(name)) {
      if (member.type !== "5" && DIRECTORIES.test(name)) throw notRegular(member);
      strangers.add(name);
      continue;
    }
    if (!REGULAR.test(member.type)) throw notRegular(member);
    const extent: Extent = { start: member.start, size: member.size };
    if (digest === undefined) {
      const before = files.get(name);
      if (before && !(await isSame(read, before, extent, o))) throw twice(name);
      files.set(name, extent);
    } else {
      // Of two copies of a size either is as good as the other: what is read is held against the digest.
      const before = blobs.get(digest);
      if (before && before.size !== extent.size) throw twice(name);
      if (!before) blobs.set(digest, extent);
      if (blobs.size > BLOB_LIMIT) throw invalid(`the archive has more than ${BLOB_LIMIT} blobs`);
    }
  }
  const [ociLayout, index] = [files.get("oci-layout"), files.get("index.json")];
  if (!ociLayout) throw strangers.explain();
  if (!index) throw invalid("the archive has an oci-layout and no index.json");
  return { ociLayout, index, blobs };
}

const FILES: ReadonlySet<string> = new Set(["oci-layout", "index.json"]);
const DIRECTORIES = /^blobs(?:\/sha(?:256|384|512))?$/;
/** `7` is a file that wants to lie in one piece on the disk. */
const REGULAR = /^[07]$/;

/** Without the dots and slashes that mean nothing. */
function cleanName(name: string): string {
  const parts = name.split("/");
  if (parts[0] === "" || parts.includes("..")) throw invalid(`${JSON.stringify(name)} leads out of the archive`);
  return parts.filter((part) => part !== "" && part !== ".").join("/");
}

function digestIn(name: string): Digest | undefined {
  const [, algorithm, encoded] = /^blobs\/([a-z0-9]+)\/([0-9a-f]+)$/.exec(name) ?? [];
  const digest = `${algorithm}:${encoded}`;
  return isDigest(digest) ? digest : undefined;
}

/** What does not belong to a layout, as far as it helps to say what the archive is instead. */
class Strangers {
  #isDocker = false;
  #nested: string | undefined;

  add(name: string): void {
    if (name === "manifest.json" || name === "repositories") this.#isDocker = true;
    if (name.endsWith("/oci-layout")) this.#nested ??= name.slice(0, -"/oci-layout".length);
  }

  explain(): OciStoreError {
    if (this.#isDocker) {
      const message = "this is an archive as `docker save` made it before Docker 25, and no image layout";
      return new OciStoreError("UNSUPPORTED", `${message}; skopeo turns docker-archive: into oci-archive:`);
    }
    if (this.#nested === undefined) return invalid("no image layout, the archive has no oci-layout");
    const directory = JSON.stringify(this.#nested);
    return invalid(
      `the layout lies in ${directory} inside the archive; pack it from there, with tar -C ${directory} .`,
    );
  }
}

/** Two versions of a file are none: readers do not agree on which of them counts. */
async function isSame(
  read: (buffer: Uint8Array, position: number) => Promise<number>,
  one: Extent,
  other: Extent,
  { signal }: Signal,
): Promise<boolean> {
  if (one.size !== other.size) return false;
  const [a, b] = [new Uint8Array(64 * 1024), new Uint8Array(64 * 1024)];
  for (let at = 0; at < one.size; at += a.length) {
    signal?.throwIfAborted();
    const length = Math.min(a.length, one.size - at);
    await read(a.subarray(0, length), one.start + at);
    await read(b.subarray(0, length), other.start + at);
    if (Buffer.compare(a.subarray(0, length), b.subarray(0, length)) !== 0) return false;
  }
  return true;
}

function notRegular({ name, type }: TarMember): OciStoreError {
  const what =
    { "1": "a hard link", "2": "a symbolic link", "5": "a directory" }[type] ??
    `no file (type ${JSON.stringify(type)})`;
  const remedy = type === "1" ? "; pack it again with --hard-dereference" : "";
  return invalid(`${JSON.stringify(name)} is ${what} in the archive, and has to be a regular file${remedy}`);
}

function twice(name: string): OciStoreError {
  return invalid(`the archive has ${JSON.stringify(name)} twice, and they differ`);
}

function invalid(why: string): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", why);
}
