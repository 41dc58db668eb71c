import type { Signal } from "../../contract/environment.ts";
import { WAVE } from "../../contract/waves.ts";
import type { Digest } from "../../model/digest.ts";
import type { Edge } from "../../model/edge.ts";
import { isManifestType } from "../../model/media-types.ts";
import type { Found, MemberList } from "./member-list.ts";

/** A digest that may be a manifest, and what is said of it. */
export interface Wanted {
  readonly digest: Digest;
  readonly mediaType?: string | undefined;
  /** It may as well be any blob. */
  readonly probe: boolean;
}

/** What came of looking for one; neither if it is not there. */
export interface Outcome {
  readonly found?: Found;
  readonly error?: unknown;
}

/**
 * Finds manifests from where the document points, along everything that can name one, and adds them to the members. Each
 * is read once, however many paths lead to it, and one that cannot be read stops nothing but the path.
 */
export async function readManifests(
  start: Iterable<Wanted>,
  find: (wanted: readonly Wanted[]) => Promise<readonly Outcome[]>,
  members: MemberList,
  o: Signal & { readonly isKnown?: (digest: Digest) => boolean } = {},
): Promise<void> {
  const { memory } = members;
  const { signal } = o;
  const found = new Set<Digest>();
  const unreadable = new Map<Digest, unknown>();
  const seen = new Map<Digest, Wanted>();
  let queue: Wanted[] = [];
  const want = (wanted: Wanted) => {
    const before = seen.get(wanted.digest);
    // Met first as what may be anything, and then by somebody who knows: look again with what is said.
    if (before && (!before.probe || wanted.probe)) return;
    if (o.isKnown?.(wanted.digest)) return;
    seen.set(wanted.digest, wanted);
    queue.push(wanted);
  };
  for (const wanted of start) want(wanted);
  while (queue.length > 0) {
    const round = queue;
    queue = [];
    for (let at = 0; at < round.length; at += WAVE) {
      signal?.throwIfAborted();
      const wave = round.slice(at, at + WAVE).filter(({ digest }) => !found.has(digest));
      const outcomes = await find(wave);
      // In the order of the queue, so that what comes of it does not depend on who answered first.
      for (const [place, outcome] of outcomes.entries()) {
        const { digest } = wave[place]!;
        if (outcome.error !== undefined) {
          if (signal?.aborted) throw outcome.error;
          unreadable.set(digest, outcome.error);
        } else if (outcome.found && !found.has(digest)) {
          unreadable.delete(digest);
          found.add(digest);
          members.add(digest, outcome.found);
          const { row } = outcome.found;
          for (let edge = memory.start(row); edge < memory.end(row); edge++) {
            const further = memory.mayBeManifest(edge) ? wantedBy(memory.edge(edge)) : undefined;
            if (further) want(further);
          }
        }
      }
    }
  }
  for (const [digest, error] of unreadable) members.addUnreadable(digest, error);
}

function wantedBy({ to, kind, mediaType }: Edge): Wanted {
  const isSaidToBe = mediaType !== undefined && isManifestType(mediaType);
  return { digest: to, mediaType, probe: kind !== "manifest" && !isSaidToBe };
}
