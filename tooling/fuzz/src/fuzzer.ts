import { seeded } from "@ocistore/backend-suite";
import { hits } from "./hits.ts";

export interface Target {
  /** Reads the input; throws if a promise is broken, and nothing for an input that is refused as it should be. */
  readonly read: (input: Uint8Array) => void | Promise<void>;
  /** Pieces that inputs are made of. */
  readonly words: readonly string[];
  /** Inputs to begin with: edges that no place tells from what lies beside them. */
  readonly seeds?: readonly string[];
  readonly longest: number;
  /** How many inputs the gate tries, if not as many as of the others. */
  readonly runs?: number;
  /** The most places that may be passed for each byte. */
  readonly steps: number;
  /** And those that any input may pass, 5000 if not said. */
  readonly always?: number;
}

/** An input that breaks a promise, so that it can be kept. */
class Broken extends Error {
  constructor(input: Uint8Array, cause: unknown) {
    const text = `base64 ${Buffer.from(input).toString("base64")}, ${JSON.stringify(Buffer.from(input).toString("latin1"))}`;
    super(`${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n  by ${text}`, { cause });
  }
}

/** Reads one input, and gives the places that it passed with how often, by powers of two. */
export async function passedBy(target: Target, input: Uint8Array): Promise<number[]> {
  for (const place of hits.places.splice(0)) hits.counts[place] = 0;
  hits.steps = 0;
  hits.limit = (target.always ?? 5000) + target.steps * input.length;
  try {
    await target.read(input);
  } catch (error) {
    throw new Broken(input, error);
  } finally {
    hits.limit = Number.POSITIVE_INFINITY;
  }
  return hits.places.map((place) => place * 32 + Math.min(8, 32 - Math.clz32(hits.counts[place]!)));
}

interface Found {
  /** Inputs that pass places which none before them did. */
  readonly corpus: readonly Uint8Array[];
  readonly places: number;
}

/** Changes inputs at random, and keeps those that reach something new: the same seed does the same. */
export async function fuzz(
  target: Target,
  o: { readonly seed: number; readonly corpus: readonly Uint8Array[]; readonly goOn: (runs: number) => boolean },
): Promise<Found> {
  const random = randomOf(o.seed);
  const known = new Set<number>();
  const corpus: Uint8Array[] = [];
  const attempt = async (input: Uint8Array) => {
    const before = known.size;
    for (const each of await passedBy(target, input)) known.add(each);
    if (known.size > before) corpus.push(input);
  };
  const seeds = (target.seeds ?? []).map((text) => new Uint8Array(Buffer.from(text, "latin1")));
  for (const input of [new Uint8Array(), ...seeds, ...o.corpus]) await attempt(input);
  for (let runs = 0; o.goOn(runs); runs++) {
    // Half of the time the newest, which led to something.
    const at = random(2) === 0 ? corpus.length - 1 - random(Math.min(corpus.length, 8)) : random(corpus.length);
    await attempt(changed(corpus[at]!, corpus, target, random));
  }
  return { corpus, places: known.size };
}

/** Those of the corpus, the shortest first, that reach what no shorter one does. */
export async function minimized(target: Target, corpus: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const known = new Set<number>();
  const kept: Uint8Array[] = [];
  for (const input of [...corpus].sort((a, b) => a.length - b.length)) {
    const passed = await passedBy(target, input);
    if (passed.every((each) => known.has(each))) continue;
    for (const each of passed) known.add(each);
    kept.push(input);
  }
  return kept;
}

type Random = (below: number) => number;

function randomOf(seed: number): Random {
  const chance = seeded(seed);
  return (below) => Math.floor(chance() * below);
}

function changed(input: Uint8Array, corpus: readonly Uint8Array[], target: Target, random: Random): Uint8Array {
  let bytes = Buffer.from(input);
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(bytes.length + 1);
    const end = at + random(Math.min(16, bytes.length - at + 1));
    const other = corpus[random(corpus.length)]!;
    const cut = random(other.length + 1);
    const into = [
      () => Buffer.from(target.words[random(target.words.length)]!, "latin1"),
      () => Buffer.of(random(256)),
      () => Buffer.alloc(0),
      () => Buffer.concat([bytes.subarray(at, end), bytes.subarray(at, end)]),
      () => Buffer.from(other.subarray(cut, cut + random(64))),
      () => Buffer.of((bytes[at] ?? 0) ^ (1 << random(8))),
    ][random(6)]!();
    const isInsertion = random(2) === 0;
    bytes = Buffer.concat([bytes.subarray(0, at), into, bytes.subarray(isInsertion ? at : end)]);
  }
  return bytes.subarray(0, target.longest);
}
