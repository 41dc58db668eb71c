import type { Signal } from "../../contract/environment.ts";
import { WAVE } from "../../contract/waves.ts";
import { isManifestType } from "../../model/media-types.ts";
import type { ManifestMemory } from "./manifest-memory.ts";
import type { Found, MemberList } from "./member-list.ts";

/** A digest that may be a manifest, and what is said of it. */
export interface Wanted {
  /** Its number in the memory. */
  readonly id: number;
  readonly mediaType?: string | undefined;
  /** It may as well be any blob. */
  readonly probe: boolean;
}

/** What came of looking for one; neither if it is not there. */
export interface Outcome {
  readonly found?: Found | undefined;
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
  o: Signal & { readonly isKnown?: (id: number) => boolean } = {},
): Promise<void> {
  const { memory } = members;
  const { signal } = o;
  const found = new Set<number>();
  const unreadable = new Map<number, unknown>();
  /** Whether it was met as what may be anything. */
  const seen = new Map<number, boolean>();
  let queue: Wanted[] = [];
  const want = (wanted: Wanted) => {
    const before = seen.get(wanted.id);
    // Met first as what may be anything, and then by somebody who knows: look again with what is said.
    if (before !== undefined && (!before || wanted.probe)) return;
    if (o.isKnown?.(wanted.id)) return;
    seen.set(wanted.id, wanted.probe);
    queue.push(wanted);
  };
  for (const wanted of start) want(wanted);
  while (queue.length > 0) {
    const round = queue;
    queue = [];
    for (let at = 0; at < round.length; at += WAVE) {
      signal?.throwIfAborted();
      const wave = round.slice(at, at + WAVE).filter(({ id }) => !found.has(id));
      const outcomes = await find(wave);
      // In the order of the queue, so that what comes of it does not depend on who answered first.
      for (const [place, outcome] of outcomes.entries()) {
        const { id } = wave[place]!;
        if (outcome.error !== undefined) {
          if (signal?.aborted) throw outcome.error;
          unreadable.set(id, outcome.error);
        } else if (outcome.found && !found.has(id)) {
          unreadable.delete(id);
          found.add(id);
          members.add(id, outcome.found);
          const { row } = outcome.found;
          for (let edge = memory.start(row); edge < memory.end(row); edge++) {
            if (memory.mayBeManifest(edge)) want(wantedBy(memory, edge));
          }
        }
      }
    }
  }
  for (const [id, error] of unreadable) members.addUnreadable(id, error);
}

function wantedBy(memory: ManifestMemory, edge: number): Wanted {
  const mediaType = memory.typeOf(edge);
  const isSaidToBe = memory.isManifest(edge) || (mediaType !== undefined && isManifestType(mediaType));
  return { id: memory.target(edge), mediaType, probe: !isSaidToBe };
}
