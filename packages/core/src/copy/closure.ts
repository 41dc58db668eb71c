import type { Signal } from "../contract/environment.ts";
import { isOciStoreError, OciStoreError } from "../errors.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type Digest, isDigest } from "../model/digest.ts";
import type { Edge } from "../model/edge.ts";
import type { Manifest } from "../model/manifest.ts";
import type { Copied } from "./events.ts";
import { inParallel, type ParallelOptions } from "./parallel.ts";
import type { Source } from "./source.ts";

/** A manifest that is to be copied. */
export interface ManifestNode {
  readonly descriptor: Descriptor;
  readonly blobs: readonly Digest[];
  /** All manifests that it names as content; those that are left out are not in the closure. */
  readonly children: readonly Digest[];
  /** Manifests that a document of unknown type only mentions: they come before it where that can be, and may be missing. */
  readonly mentions: readonly Digest[];
  readonly subject: Digest | undefined;
}

/** All that is to be copied; it grows with each root. */
export class Closure {
  readonly manifests = new Map<Digest, ManifestNode>();
  readonly blobs = new Map<Digest, Copied>();
  readonly sizes = new Map<Digest, number>();
  /** What has been looked at, and how it was met. */
  readonly seen = new Set<string>();
}

/** A manifest to be read, and how it was met. */
export interface Wanted {
  readonly descriptor: Descriptor;
  readonly as: "root" | "child" | "mention" | "subject" | "referrer";
  /** Who led to it. */
  readonly parent?: Descriptor;
}

export interface WalkOptions extends ParallelOptions {
  readonly referrers?: boolean | undefined;
  readonly sparse?: boolean | undefined;
  readonly filter?: ((descriptor: Descriptor, parent: Descriptor) => boolean) | undefined;
  /** Of the children of the roots only these; all unless given. */
  readonly keep?: ReadonlySet<Digest> | undefined;
}

interface Visit {
  readonly node: ManifestNode;
  readonly blobs: readonly Copied[];
  readonly wanted: readonly Wanted[];
}

/** What came into the closure with a walk, in the order in which it was met. */
export interface Fresh {
  readonly manifests: readonly ManifestNode[];
  readonly blobs: readonly Copied[];
}

/** Reads all manifests that the start leads to, level by level, and says what they name. Nothing is copied yet. */
export async function walk(closure: Closure, source: Source, start: readonly Wanted[], o: WalkOptions): Promise<Fresh> {
  const manifests: ManifestNode[] = [];
  const blobs: Copied[] = [];
  for (let wave = unseen(closure, start); wave.length > 0; ) {
    const visits: (Visit | undefined)[] = [];
    const numbered = wave.map((wanted, at) => ({ wanted, at }));
    await inParallel(numbered, o, async ({ wanted, at }, { signal }) => {
      visits[at] = await visit(source, wanted, { ...o, signal });
    });
    const further: Wanted[] = [];
    for (const found of visits) {
      if (!found || closure.manifests.has(found.node.descriptor.digest)) continue;
      closure.manifests.set(found.node.descriptor.digest, found.node);
      manifests.push(found.node);
      for (const blob of found.blobs) if (addBlob(closure, blob)) blobs.push(blob);
      further.push(...found.wanted);
    }
    wave = unseen(closure, further);
  }
  return { manifests, blobs };
}

/**
 * Each manifest is read once, whoever leads to it, and all have to say the same of it. But what was not there, or was left
 * out, as one thing may have to be there as another.
 */
function unseen({ manifests, sizes, seen }: Closure, wanted: readonly Wanted[]): Wanted[] {
  return wanted.filter(({ descriptor: { digest, size }, as, parent }) => {
    const before = sizes.get(digest);
    if (before !== undefined && before !== size) throw twoSizes(digest, before, size);
    sizes.set(digest, size);
    const how = `${as} ${digest} ${as === "subject" ? parent?.digest : ""}`;
    if (manifests.has(digest) || seen.has(how)) return false;
    seen.add(how);
    return true;
  });
}

function addBlob({ blobs }: Closure, blob: Copied): boolean {
  const before = blobs.get(blob.digest);
  if (before?.size !== undefined && blob.size !== undefined && before.size !== blob.size) {
    throw twoSizes(blob.digest, before.size, blob.size);
  }
  if (!before) blobs.set(blob.digest, blob);
  return !before;
}

async function visit(source: Source, wanted: Wanted, o: WalkOptions): Promise<Visit | undefined> {
  const { descriptor, as, parent } = wanted;
  const manifest = await read(source, wanted, o);
  if (!manifest) return undefined;
  const { digest } = descriptor;
  const isReferrer = as === "referrer";
  if (isReferrer && manifest.subject?.digest !== parent?.digest) {
    throw bad(`${digest} is listed as a referrer of ${parent?.digest}, and does not name it`, digest);
  }
  const { artifactType, annotations } = manifest;
  const described = { ...descriptor, ...(artifactType && { artifactType }), ...(annotations && { annotations }) };
  if ((isReferrer || as === "subject") && parent && o.filter?.(described, parent) === false) return undefined;

  source.count(manifest.edges.length);
  const found: { blobs: Copied[]; wanted: Wanted[] } = { blobs: [], wanted: [] };
  const mentions: Digest[] = [];
  for (const edge of manifest.edges) {
    if (edge.kind === "manifest") continue;
    const met = await meet(source, edge, o);
    if (met?.blob) found.blobs.push(met.blob);
    if (met?.manifest) {
      const how = edge.kind === "subject" ? "subject" : "mention";
      found.wanted.push({ descriptor: met.manifest, as: how, parent: descriptor });
      if (how === "mention") mentions.push(edge.to);
    }
  }
  const children = await childrenOf(source, manifest, wanted, o);
  found.wanted.push(...children);
  if (o.referrers) {
    for await (const referrer of source.referrers(descriptor, o)) {
      found.wanted.push({ descriptor: referrer, as: "referrer", parent: descriptor });
    }
  }
  const named = manifest.edges.filter(({ kind }) => kind === "manifest").map(({ to }) => to);
  const blobs = found.blobs.map((blob) => blob.digest);
  return {
    node: { descriptor: described, blobs, children: named, mentions, subject: manifest.subject?.digest },
    ...found,
  };
}

/** `undefined` if it is not there and need not be. */
async function read(source: Source, { descriptor, as }: Wanted, o: WalkOptions): Promise<Manifest | undefined> {
  const mayBeMissing = as === "mention" || as === "subject" || (as === "child" && o.sparse);
  try {
    const said = as === "child" || as === "mention" ? "by manifest" : "by source";
    return (await source.manifest(descriptor, said, o)).manifest;
  } catch (error) {
    if (mayBeMissing && isOciStoreError(error, "NOT_FOUND") && !o.signal?.aborted) return undefined;
    throw error;
  }
}

/** What an edge to anything but a child leads to; nothing if that is not there and need not be. */
async function meet(
  source: Source,
  { to, kind, mediaType, size, optional }: Edge,
  o: Signal,
): Promise<{ readonly blob?: Copied; readonly manifest?: Descriptor } | undefined> {
  const mayBeMissing = optional || kind === "opaque";
  if (!isDigest(to)) {
    if (mayBeMissing) return undefined;
    throw bad(`${to} has an algorithm that is not supported`, to);
  }
  // A layer is a blob whatever its type is, so that a manifest that was stored as one is not taken apart.
  if (kind === "subject" || kind === "opaque") {
    const manifest = await resolved(source, to, o);
    if (manifest) return { manifest };
    // A blob is nobody's to keep for what refers to it.
    if (kind === "subject") return undefined;
  }
  const blob: Copied = { digest: to, ...(mediaType && { mediaType }), ...(size !== undefined && { size }) };
  if (mayBeMissing && !(await source.hasBlob(to, o))) return undefined;
  return { blob };
}

async function childrenOf(
  source: Source,
  manifest: Manifest,
  { descriptor: parent, as }: Wanted,
  o: WalkOptions,
): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const { to, kind, mediaType, size } of manifest.edges) {
    if (kind !== "manifest") continue;
    if (as === "root" && o.keep && !o.keep.has(to)) continue;
    if (!isDigest(to)) {
      if (o.sparse) continue;
      throw bad(`${to} has an algorithm that is not supported`, to);
    }
    const said = manifest.manifests.filter((child) => child.digest === to);
    if (said.length > 0 && o.filter && !said.some((child) => o.filter?.(child, parent))) continue;
    const descriptor =
      mediaType && size !== undefined ? { mediaType, digest: to, size } : await resolved(source, to, o);
    if (!descriptor && !o.sparse) throw bad(`${to} is named as a child without its size, and is not there`, to);
    if (descriptor) wanted.push({ descriptor, as: "child", parent });
  }
  return wanted;
}

/** What the source has under a digest as a manifest. */
async function resolved(source: Source, digest: Digest, o: Signal): Promise<Descriptor | undefined> {
  try {
    return await source.resolve(digest, o);
  } catch (error) {
    if (isOciStoreError(error, "NOT_FOUND") && !o.signal?.aborted) return undefined;
    throw error;
  }
}

function twoSizes(digest: Digest, one: number, other: number): OciStoreError {
  return bad(`${digest} is said to have ${one} bytes, and ${other}`, digest);
}

function bad(message: string, digest: Digest): OciStoreError {
  const data = { digest, side: "source", op: "read" } as const;
  return new OciStoreError("MANIFEST_INVALID", `source: ${message}`, data);
}
