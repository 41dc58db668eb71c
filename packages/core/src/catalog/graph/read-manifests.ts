import type { ManifestRecord } from "../../contract/catalog.ts";
import type { Signal } from "../../contract/environment.ts";
import type { Digest } from "../../model/digest.ts";
import type { Edge } from "../../model/edge.ts";
import { isManifestType } from "../../model/media-types.ts";

/** A digest that may be a manifest, and what is said of it. */
export interface Wanted {
  readonly digest: Digest;
  readonly mediaType?: string | undefined;
  /** It may as well be any blob. */
  readonly probe: boolean;
}

export interface ManifestsRead {
  readonly records: ReadonlyMap<Digest, ManifestRecord>;
  readonly unreadable: ReadonlyMap<Digest, unknown>;
}

/**
 * Reads manifests from where the document points, along everything that can name one. Each is read once, however many
 * paths lead to it, and one that cannot be read stops nothing but the path.
 */
export async function readManifests(
  start: Iterable<Wanted>,
  read: (wanted: Wanted) => Promise<ManifestRecord | undefined>,
  { signal }: Signal = {},
): Promise<ManifestsRead> {
  const records = new Map<Digest, ManifestRecord>();
  const unreadable = new Map<Digest, unknown>();
  const seen = new Map<Digest, Wanted>();
  const queue: Wanted[] = [];
  const want = (wanted: Wanted) => {
    const before = seen.get(wanted.digest);
    // Met first as what may be anything, and then by somebody who knows: look again with what is said.
    if (before && (!before.probe || wanted.probe)) return;
    seen.set(wanted.digest, wanted);
    queue.push(wanted);
  };

  for (const wanted of start) want(wanted);
  for (let next = 0; next < queue.length; next++) {
    signal?.throwIfAborted();
    const wanted = queue[next]!;
    if (records.has(wanted.digest)) continue;
    try {
      const record = await read(wanted);
      if (!record) continue;
      unreadable.delete(wanted.digest);
      records.set(wanted.digest, record);
      for (const edge of record.edges) {
        const further = wantedBy(edge);
        if (further) want(further);
      }
    } catch (error) {
      if (signal?.aborted) throw error;
      unreadable.set(wanted.digest, error);
    }
  }
  return { records, unreadable };
}

function wantedBy({ to, kind, mediaType }: Edge): Wanted | undefined {
  const isSaidToBe = mediaType !== undefined && isManifestType(mediaType);
  switch (kind) {
    case "manifest":
      return { digest: to, mediaType, probe: false };
    case "subject":
    case "opaque":
      return { digest: to, mediaType, probe: !isSaidToBe };
    default:
      return undefined;
  }
}
