import { seeded } from "@ocistore/backend-suite";

/** Numbers from a seed, the same on every machine: a layout is made anew to the byte wherever it is measured. */
export class Random {
  readonly #chance: () => number;

  constructor(seed: number) {
    this.#chance = seeded(seed);
  }

  /** A whole number of 32 bits. */
  next(): number {
    return this.#chance() * 2 ** 32;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  bytes(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(this.next(), at);
    for (let at = size - (size % 4); at < size; at++) bytes[at] = this.next();
    return bytes;
  }
}
