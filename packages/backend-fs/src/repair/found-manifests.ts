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

export interface FoundManifest {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
}

export interface Harvest {
  /** Manifests that no other manifest names as its content; referrers of what is stored among them. */
  readonly roots: readonly FoundManifest[];
  /** Sound manifests in all. */
  readonly manifests: number;
}

/** The manifests in `blobs/`, found by what they are: only sound bytes count. */
export async function harvest(bench: Bench): Promise<Harvest> {
  const { fs, paths, signal } = bench;
  const found: FoundManifest[] = [];
  const named = new Set<Digest>();
  for (const algorithm of DIGEST_ALGORITHMS) {
    for await (const { name, path, stat } of regularFiles(fs, paths.algorithm(algorithm))) {
      signal?.throwIfAborted();
      const digest = `${algorithm}:${name}`;
      if (!isDigest(digest) || stat.size > MANIFEST_LIMIT || stat.size === 0) continue;
      const bytes = await readWhole(fs, path, MANIFEST_LIMIT);
      const manifest = bytes && manifestIn(bytes);
      if (!manifest || digestOf(bytes, algorithmOf(digest) as DigestAlgorithm) !== digest) continue;
      const { mediaType, artifactType } = manifest;
      found.push({ digest, size: bytes.length, mediaType, artifactType });
      for (const { to, kind } of manifest.edges) if (kind !== "subject") named.add(to);
    }
  }
  const roots = found.filter(({ digest }) => !named.has(digest)).sort((a, b) => (a.digest < b.digest ? -1 : 1));
  return { roots, manifests: found.length };
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
