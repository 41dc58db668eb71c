/** Integers under integers, those under one key in the order in which they came. */
export class Grouped {
  readonly #starts: Int32Array;
  readonly #values: Int32Array;

  /** @param each Gives every pair; called twice, and has to give the same. Keys are from 0 to `size` - 1. */
  constructor(size: number, each: (add: (key: number, value: number) => void) => void) {
    const starts = new Int32Array(size + 1);
    each((key) => {
      starts[key + 1]! += 1;
    });
    for (let key = 0; key < size; key++) starts[key + 1]! += starts[key]!;
    const free = starts.slice(0, size);
    const values = new Int32Array(starts[size]!);
    each((key, value) => {
      values[free[key]!++] = value;
    });
    this.#starts = starts;
    this.#values = values;
  }

  /** Those under a key that are at least `from` and less than `to`; for keys under which they are in ascending order. */
  within(key: number, from: number, to: number): Int32Array {
    if (key < 0 || key + 1 >= this.#starts.length) return NOTHING;
    const start = this.#starts[key]!;
    const end = this.#starts[key + 1]!;
    const first = this.#firstFrom(from, start, end);
    return this.#values.subarray(first, this.#firstFrom(to, first, end));
  }

  /** The first of them. */
  first(key: number, from: number, to: number): number | undefined {
    if (key < 0 || key + 1 >= this.#starts.length) return undefined;
    const end = this.#starts[key + 1]!;
    const at = this.#firstFrom(from, this.#starts[key]!, end);
    return at < end && this.#values[at]! < to ? this.#values[at] : undefined;
  }

  has(key: number, from: number, to: number): boolean {
    return this.first(key, from, to) !== undefined;
  }

  all(key: number): Int32Array {
    if (key < 0 || key + 1 >= this.#starts.length) return NOTHING;
    return this.#values.subarray(this.#starts[key]!, this.#starts[key + 1]!);
  }

  #firstFrom(value: number, start: number, end: number): number {
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#values[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const NOTHING = new Int32Array(0);
