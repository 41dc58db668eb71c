import {
  algorithmOf,
  DIGEST_ALGORITHMS,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  isDigest,
  isManifestType,
  isOciStoreError,
  MANIFEST_LIMIT,
  type Manifest,
  MEDIA_TYPES,
  parseManifest,
} from "@ocistore/core";
import { regularFiles } from "../files/listing.ts";
import { readWhole } from "../files/read.ts";
import type { Bench } from "./bench.ts";

interface FoundManifest {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
}

export interface Harvest {
  /** Manifests that no other manifest names as its content; referrers of what is stored among them. */
  readonly roots: readonly FoundManifest[];
  /** Every sound manifest. */
  readonly all: ReadonlyMap<Digest, FoundManifest>;
  /** With their sizes: damaged or unreadable bytes that may be a manifest, and that no sound manifest speaks of. */
  readonly doubtful: ReadonlyMap<Digest, number>;
  /** What is no manifest that the index has to keep: sound bytes of another kind, and what a sound manifest speaks of. */
  readonly settled: ReadonlySet<Digest>;
}

/** The manifests in `blobs/`, found by what they are: only sound bytes count. */
export async function harvest(bench: Bench): Promise<Harvest> {
  const { fs, paths, signal } = bench;
  const all = new Map<Digest, FoundManifest>();
  const named = new Set<Digest>();
  const settled = new Set<Digest>();
  const doubtful = new Map<Digest, number>();
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const { name, path, stat } of regularFiles(fs, paths.algorithm(algorithm))) {
      signal?.throwIfAborted();
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest) || stat.size > MANIFEST_LIMIT) continue;
      const bytes = await soundBytes(bench, digest, path);
      if (!bytes) doubtful.set(digest, stat.size);
      const manifest = bytes && manifestIn(bytes);
      if (bytes && !manifest) settled.add(digest);
      if (!manifest) continue;
      const { mediaType, artifactType } = manifest;
      all.set(digest, { digest, size: bytes.length, mediaType, artifactType });
      for (const { to, kind } of manifest.edges) {
        if (kind !== "subject") named.add(to);
        // Content that is known for what it is: a blob, or a child that cannot be read while it is damaged.
        if (kind !== "subject" && kind !== "opaque") settled.add(to);
      }
    }
  }
  for (const digest of settled) doubtful.delete(digest);
  const roots = [...all.values()]
    .filter(({ digest }) => !named.has(digest))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return { roots, all, doubtful, settled };
}

/** `undefined` if they are damaged, or cannot be read: in either case they may have been anything. */
async function soundBytes({ fs }: Bench, digest: Digest, path: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readWhole(fs, path, MANIFEST_LIMIT);
  } catch (error) {
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
  return bytes && digestOf(bytes, algorithmOf(digest) as DigestAlgorithm) === digest ? bytes : undefined;
}

/** What bytes are that nobody has said anything of; a document of a type of its own that mentions content counts too. */
function manifestIn(bytes: Uint8Array): Manifest | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  try {
    const manifest = parseManifest(bytes);
    if (isManifestType(manifest.mediaType)) return manifest;
    // Without a type of its own it is as likely a config.
    return manifest.mediaType !== MEDIA_TYPES.json && manifest.edges.length > 0 ? manifest : undefined;
  } catch (error) {
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
}
