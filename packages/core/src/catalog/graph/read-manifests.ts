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

/** So many are looked at together: a disk or a network answers several questions in the time of one. */
const WAVE = 32;

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

  const attempt = async (wanted: Wanted): Promise<{ record?: ManifestRecord | undefined; error?: unknown }> => {
    try {
      return { record: await read(wanted) };
    } catch (error) {
      return { error };
    }
  };

  for (const wanted of start) want(wanted);
  for (let next = 0; next < queue.length; ) {
    signal?.throwIfAborted();
    const wave = queue.slice(next, next + WAVE).filter(({ digest }) => !records.has(digest));
    next = Math.min(next + WAVE, queue.length);
    const outcomes = await Promise.all(wave.map(attempt));
    // In the order of the queue, so that what comes of it does not depend on who answered first.
    for (const [at, { record, error }] of outcomes.entries()) {
      const { digest } = wave[at]!;
      if (error !== undefined) {
        if (signal?.aborted) throw error;
        unreadable.set(digest, error);
      } else if (record && !records.has(digest)) {
        unreadable.delete(digest);
        records.set(digest, record);
        for (const edge of record.edges) {
          const further = wantedBy(edge);
          if (further) want(further);
        }
      }
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
