import { createHash } from "node:crypto";
import type { Disk } from "../../../packages/backend-fs/test/support/disk.ts";
import { LAYOUT } from "./scene.ts";

const NAME = "org.opencontainers.image.ref.name";

/** What lies on the disk, by a plain walk over its files: another way to tell than the library's. */
export interface State {
  readonly tags: Readonly<Record<string, string>>;
  readonly pins: Readonly<Record<string, string>>;
  /** What tags, untagged entries and pins lead to, and is not there or has other bytes than its digest says. */
  readonly broken: readonly string[];
  readonly blobs: readonly string[];
  /** All other files but the lock's: nothing that nobody uses may stay. */
  readonly others: readonly string[];
}

interface Described {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function stateOf(disk: Disk, root = LAYOUT): State {
  const entries: readonly Described[] = jsonIn(disk, `${root}/index.json`)?.manifests ?? [];
  const pins: readonly { readonly name: string; readonly digest: string }[] =
    jsonIn(disk, `${root}/.ocistore/pins.json`)?.pins ?? [];
  const tags: Record<string, string> = {};
  for (const { digest, annotations } of entries) if (annotations?.[NAME]) tags[annotations[NAME]] = digest;
  const paths = [...disk.files()].map(([path]) => path).filter((path) => !path.includes("/.ocistore/lock/"));
  const isBlob = (path: string) => path.startsWith(`${root}/blobs/`);
  return {
    tags,
    pins: Object.fromEntries(pins.map(({ name, digest }) => [name, digest])),
    broken: brokenOf(disk, root, [...entries, ...pins.map(({ digest }) => ({ digest, mediaType: "manifest" }))]),
    blobs: paths.filter(isBlob).sort(),
    others: paths.filter((path) => !isBlob(path)).sort(),
  };
}

function brokenOf(disk: Disk, root: string, roots: readonly Described[]): string[] {
  const queue = [...roots];
  const seen = new Set<string>();
  const broken: string[] = [];
  for (let next = 0; next < queue.length; next++) {
    const { digest, mediaType } = queue[next]!;
    if (seen.has(digest)) continue;
    seen.add(digest);
    const bytes = disk.content(`${root}/blobs/${digest.replace(":", "/")}`);
    if (!bytes) broken.push(`${digest} is not there`);
    else if (digestOf(bytes) !== digest) broken.push(`${digest} is damaged`);
    else if (/manifest|index/.test(mediaType)) {
      const { manifests = [], config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes));
      for (const each of [...manifests, config, ...layers]) if (each) queue.push(each);
    }
  }
  return broken;
}

/** What a disk holds is never changed in place, and most of it is the same in thousands of copies. */
const digests = new WeakMap<Uint8Array, string>();

function digestOf(bytes: Uint8Array): string {
  const digest = digests.get(bytes) ?? `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  digests.set(bytes, digest);
  return digest;
}

function jsonIn(disk: Disk, path: string) {
  const bytes = disk.content(path);
  try {
    return bytes && JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    // A repair begins so. Anywhere else all tags would be gone by this, and that is seen.
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
