const BITS = 13;
const MASK = (1 << BITS) - 1;

/** A list of numbers that grows piece by piece, as the one of integers does. */
export class FloatList {
  readonly #pieces: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if ((this.#length & MASK) === 0) this.#pieces.push(new Float64Array(MASK + 1));
    this.#pieces[this.#length >>> BITS]![this.#length & MASK] = value;
    this.#length += 1;
  }

  /** Of a place that has been given; anything of another. */
  at(place: number): number {
    return this.#pieces[place >>> BITS]![place & MASK]!;
  }
}
