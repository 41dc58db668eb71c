import { seeded } from "@ocistore/backend-suite";

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
