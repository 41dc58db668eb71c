/** A small seeded generator (mulberry32): numbers from 0 up to 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Chance that does not follow from another's: what one draws more or less changes nothing for the others. */
export function derived(seed: number, stream: number): () => number {
  return seeded(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b));
}

export interface Dice {
  /** A whole number from 0 up to but not including `limit`. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

export function dice(random: () => number): Dice {
  const below = (limit: number) => Math.floor(random() * limit);
  return { below, chance: (probability) => random() < probability, pick: (list) => list[below(list.length)]! };
}
