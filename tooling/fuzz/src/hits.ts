/** How often each place of the instrumented sources was passed by this input. */
interface Hits {
  readonly counts: Uint32Array;
  /** Those that were. */
  readonly places: number[];
  /** More places than this are passed by no input of its length that does not hang. */
  limit: number;
  steps: number;
}

export const hits: Hits = { counts: new Uint32Array(1 << 14), places: [], limit: Number.POSITIVE_INFINITY, steps: 0 };

/** Called by the instrumented code. A reader that catches it is told again at its next step. */
function passed(place: number): void {
  if (hits.counts[place] === 0) hits.places.push(place);
  hits.counts[place]!++;
  if (++hits.steps > hits.limit) throw new RangeError("more steps than an input of this length may take");
}

Object.assign(globalThis, { __passed: passed });
