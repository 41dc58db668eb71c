import {
  type BlobStore,
  type Digest,
  type Edge,
  isDigest,
  isManifestType,
  MANIFEST_LIMIT,
  type ManifestRecord,
  OciStoreError,
  type Placement,
  parseManifest,
  recordOf,
  type Signal,
  verified,
} from "@ocistore/core";

/** Manifests, found along what they name. */
export type Records = ReadonlyMap<Digest, ManifestRecord>;

/**
 * A manifest that another tool has listed, with all manifests that it leads to; `undefined` if it is not there. What the catalog knows
 * already is not read again. As on a layout without a catalog, what it refers to is one of them, and so is whatever a document
 * that nobody understands mentions, if it is a manifest.
 *
 * @throws `CORRUPT`, `MANIFEST_INVALID` and the like if one of them is there and cannot be read: it may name anything.
 */
export async function closureOf(
  start: { readonly digest: Digest; readonly mediaType?: string | undefined },
  { blobs, known }: { readonly blobs: BlobStore; known(digest: Digest): ManifestRecord | undefined },
  o: Signal = {},
): Promise<Records | undefined> {
  const records = new Map<Digest, ManifestRecord>();
  const seen = new Set<Digest>([start.digest]);
  const queue: Asked[] = [{ to: start.digest, mediaType: start.mediaType, isProbe: false }];
  for (const { to, mediaType, isProbe } of queue) {
    o.signal?.throwIfAborted();
    const record = known(to) ?? (await readRecord(blobs, to, mediaType, isProbe, o));
    if (!record) continue;
    records.set(to, record);
    for (const edge of record.edges) {
      const asked = askedBy(edge);
      if (!asked || seen.has(edge.to)) continue;
      seen.add(edge.to);
      queue.push(asked);
    }
  }
  return records.has(start.digest) ? records : undefined;
}

interface Asked {
  readonly to: Digest;
  readonly mediaType: string | undefined;
  /** It may as well be any blob. */
  readonly isProbe: boolean;
}

function askedBy({ to, kind, mediaType }: Edge): Asked | undefined {
  if (kind === "config" || kind === "layer") return undefined;
  const isSaidToBe = mediaType !== undefined && isManifestType(mediaType);
  return { to, mediaType: isSaidToBe || kind === "manifest" ? mediaType : undefined, isProbe: kind === "opaque" };
}

/** `undefined` if it is not there, or is no manifest where it need not be one. @throws As {@link closureOf}. */
export async function readRecord(
  blobs: BlobStore,
  digest: Digest,
  mediaType: string | undefined,
  isProbe: boolean,
  o: Signal,
): Promise<ManifestRecord | undefined> {
  if (!isDigest(digest)) return undefined;
  const place: Placement = { digest, size: 0, generation: "" };
  const stat = await blobs.stat(place, o);
  if (!stat) return undefined;
  const placement = { ...place, size: stat.size };
  if (stat.size > MANIFEST_LIMIT) {
    if (isProbe) return undefined;
    const data = { digest, expected: MANIFEST_LIMIT, actual: stat.size };
    throw new OciStoreError("MANIFEST_TOO_LARGE", `${digest} is listed as a manifest and has ${stat.size} bytes`, data);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of verified(blobs, placement, o)) pieces.push(piece);
  try {
    const record = recordOf(parseManifest(Buffer.concat(pieces), mediaType), placement, stat.modified);
    const mayKeep = !isProbe || isManifestType(record.mediaType) || record.edges.length > 0;
    return mayKeep ? record : undefined;
  } catch (error) {
    if (isProbe) return undefined;
    throw error;
  }
}
