const BITS = 14;
const MASK = (1 << BITS) - 1;

/** A list of 32-bit integers that grows piece by piece: nothing is copied, and at most a piece is spare. */
export class IntList {
  readonly #pieces: Int32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Returns the place that it got. */
  push(value: number): number {
    if ((this.#length & MASK) === 0) this.#pieces.push(new Int32Array(MASK + 1));
    this.#pieces[this.#length >>> BITS]![this.#length & MASK] = value;
    return this.#length++;
  }

  /** Of a place that has been given; anything of another. */
  at(place: number): number {
    return this.#pieces[place >>> BITS]![place & MASK]!;
  }

  set(place: number, value: number): void {
    this.#pieces[place >>> BITS]![place & MASK] = value;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let place = 0; place < this.#length; place++) yield this.at(place);
  }

  clear(): void {
    this.#pieces.length = 0;
    this.#length = 0;
  }
}
