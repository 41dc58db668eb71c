const BITS = 14;
const PIECE = 1 << BITS;
const MASK = PIECE - 1;
/** Of the first piece, until it is full: most stores are small, and each command makes lists anew. */
const FIRST = 32;

/**
 * A list of 32-bit integers that grows piece by piece: nothing is copied but the first piece, as long as that is small, and at
 * most a piece is spare.
 */
export class IntList {
  readonly #pieces: Int32Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Returns the place that it got. */
  push(value: number): number {
    const at = this.#length & MASK;
    const last = this.#pieces[this.#length >>> BITS];
    const piece = last === undefined || at === last.length ? this.#grow(last) : last;
    piece[at] = value;
    return this.#length++;
  }

  #grow(small: Int32Array | undefined): Int32Array {
    const piece = new Int32Array(small ? small.length * 2 : this.#length === 0 ? FIRST : PIECE);
    if (small) piece.set(small);
    this.#pieces[this.#length >>> BITS] = piece;
    return piece;
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
