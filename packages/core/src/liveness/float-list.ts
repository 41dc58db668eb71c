const BITS = 13;
const PIECE = 1 << BITS;
const MASK = PIECE - 1;
const FIRST = 16;

/** A list of numbers that grows piece by piece, as the one of integers does. */
export class FloatList {
  readonly #pieces: Float64Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    const at = this.#length & MASK;
    const last = this.#pieces[this.#length >>> BITS];
    const piece = last === undefined || at === last.length ? this.#grow(last) : last;
    piece[at] = value;
    this.#length += 1;
  }

  #grow(small: Float64Array | undefined): Float64Array {
    const piece = new Float64Array(small ? small.length * 2 : this.#length === 0 ? FIRST : PIECE);
    if (small) piece.set(small);
    this.#pieces[this.#length >>> BITS] = piece;
    return piece;
  }

  /** Of a place that has been given; anything of another. */
  at(place: number): number {
    return this.#pieces[place >>> BITS]![place & MASK]!;
  }
}
