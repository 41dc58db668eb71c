import type { Signal } from "../../contract/environment.ts";
import { WAVE } from "../../contract/waves.ts";
import type { Digest } from "../../model/digest.ts";
import { isManifestType } from "../../model/media-types.ts";
import type { ManifestMemory } from "./manifest-memory.ts";
import type { Found, MemberList } from "./member-list.ts";

/** A digest that may be a manifest, and what is said of it. */
export interface Wanted {
  /** Its number in the memory. */
  readonly id: number;
  /** Where it is at hand as text. */
  readonly digest?: Digest | undefined;
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
  const unreadable = new Map<number, unknown>();
  const met = new Marks();
  let queue: Wanted[] = [];
  const want = (wanted: Wanted) => {
    const before = met.at(wanted.id);
    // Met first as what may be anything, and then by somebody who knows: look again with what is said.
    if (before > PROBED || (before === PROBED && wanted.probe)) return;
    if (o.isKnown?.(wanted.id)) return;
    met.set(wanted.id, wanted.probe ? PROBED : SAID);
    queue.push(wanted);
  };
  for (const wanted of start) want(wanted);
  while (queue.length > 0) {
    const round = queue;
    queue = [];
    for (let at = 0; at < round.length; at += WAVE) {
      signal?.throwIfAborted();
      const wave = round.slice(at, at + WAVE).filter(({ id }) => met.at(id) !== FOUND);
      const outcomes = await find(wave);
      // In the order of the queue, so that what comes of it does not depend on who answered first.
      for (const [place, outcome] of outcomes.entries()) {
        const { id } = wave[place]!;
        if (outcome.error !== undefined) {
          if (signal?.aborted) throw outcome.error;
          unreadable.set(id, outcome.error);
        } else if (outcome.found && met.at(id) !== FOUND) {
          unreadable.delete(id);
          met.set(id, FOUND);
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

/** Met as what may be anything; by somebody who says what it is; and found. */
const PROBED = 1;
const SAID = 2;
const FOUND = 3;

/** A small number for each digest, 0 unless set. */
class Marks {
  #marks = new Uint8Array(1024);

  at(id: number): number {
    return this.#marks[id] ?? 0;
  }

  set(id: number, mark: number): void {
    if (id >= this.#marks.length) {
      const marks = new Uint8Array(Math.max(id + 1, 2 * this.#marks.length));
      marks.set(this.#marks);
      this.#marks = marks;
    }
    this.#marks[id] = mark;
  }
}

function wantedBy(memory: ManifestMemory, edge: number): Wanted {
  const mediaType = memory.typeOf(edge);
  const isSaidToBe = memory.isManifest(edge) || (mediaType !== undefined && isManifestType(mediaType));
  return { id: memory.target(edge), mediaType, probe: !isSaidToBe };
}
