import { join, sep } from "node:path";
import { algorithmOf, type Digest, encodedOf, OciStoreError, type Placement } from "@ocistore/core";

/**
 * Where everything lies in a layout. Only digests that were parsed become part of a path, and all that is ours lies under
 * `.ocistore/`; docs/layout.md has the whole picture.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
export class Paths {
  readonly root: string;
  readonly ociLayout: string;
  readonly index: string;
  readonly blobs: string;
  /** The directory of all that is ours. */
  readonly ours: string;
  readonly lock: string;
  readonly store: string;
  readonly pins: string;
  readonly leases: string;
  readonly lost: string;
  readonly sessions: string;
  readonly trash: string;
  readonly uploads: string;
  /** A catalog that has taken the place of index.json and of our other files. */
  readonly catalog: string;
  /** What a repair has taken away. */
  readonly damaged: string;
  readonly #algorithms = new Map<string, string>();

  constructor(root: string) {
    this.root = root;
    this.ociLayout = join(root, "oci-layout");
    this.index = join(root, "index.json");
    this.blobs = join(root, "blobs");
    this.ours = join(root, ".ocistore");
    this.lock = join(this.ours, "lock");
    this.store = join(this.ours, "store.json");
    this.pins = join(this.ours, "pins.json");
    this.leases = join(this.ours, "leases.json");
    this.lost = join(this.ours, "lost.json");
    this.sessions = join(this.ours, "sessions");
    this.trash = join(this.ours, "trash");
    this.uploads = join(this.ours, "uploads");
    this.catalog = join(this.ours, "catalog.db");
    this.damaged = join(this.ours, "damaged");
  }

  algorithm(name: string): string {
    const known = this.#algorithms.get(name);
    if (known !== undefined) return known;
    const directory = join(this.blobs, name);
    this.#algorithms.set(name, directory);
    return directory;
  }

  blob(digest: Digest): string {
    // What is in a digest needs no joining, and there are many.
    return `${this.algorithm(algorithmOf(digest))}${sep}${encodedOf(digest)}`;
  }

  /** Where a new version of one of our files, or of index.json, is written before it takes the name. */
  fresh(name: string): string {
    return join(this.ours, `${name}.new`);
  }

  upload(id: string): string {
    return join(this.uploads, safe(id));
  }

  /** The lock of an upload. No upload has a name that begins with a dot. */
  uploadLock(id: string): string {
    return join(this.uploads, `.${safe(id)}.lock`);
  }

  /** The record of a lock, before it becomes one. */
  uploadLockTemp(id: string, random: string): string {
    return join(this.uploads, `.${safe(id)}.lock.${random}`);
  }

  /** Of which upload this is the lock, or was to become it. */
  parseUploadLock(name: string): { readonly id: string; readonly isLock: boolean } | undefined {
    const [, id, random] = /^\.(.+)\.lock(\.[0-9a-f]{32})?$/.exec(name) ?? [];
    return id !== undefined && isSafeName(id) ? { id, isLock: random === undefined } : undefined;
  }

  session(owner: string): string {
    return join(this.sessions, safe(owner));
  }

  run(id: string): string {
    return join(this.trash, safe(id));
  }

  runRecord(id: string): string {
    return join(this.run(id), "run.json");
  }

  /** The name says all that a listing of the trash has to know. */
  trashed(run: string, { digest, size }: Omit<Placement, "generation">, kind: "manifest" | "blob"): string {
    return join(this.run(run), `${algorithmOf(digest)}-${encodedOf(digest)}.${size}.${kind}`);
  }

  /** The file of a placement: under its final name, or in the trash of a run. */
  placed(placement: Placement): string {
    if (placement.generation === "") return this.blob(placement.digest);
    const { run, kind } = parseTrashGeneration(placement.generation);
    return this.trashed(run, placement, kind);
  }
}

/** The generation of a placement in the trash. */
export function trashGeneration(run: string, kind: "manifest" | "blob"): string {
  return `trash/${run}/${kind}`;
}

function parseTrashGeneration(generation: string): { run: string; kind: "manifest" | "blob" } {
  const [place, run = "", kind] = generation.split("/");
  if (place !== "trash" || (kind !== "manifest" && kind !== "blob")) {
    throw new OciStoreError("CONFLICT", `this placement is of another store: ${JSON.stringify(generation)}`);
  }
  return { run, kind };
}

/** Whether a name may be that of a session, an upload or a run; what else lies there is somebody else's. */
export function isSafeName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(name);
}

/** Names that come from outside may be names of files only if nothing can be read into them. */
function safe(name: string): string {
  if (!isSafeName(name)) {
    throw new OciStoreError("REFERENCE_INVALID", `not a name for a file: ${JSON.stringify(name)}`, { reference: name });
  }
  return name;
}
