/** A map with changes on top: the base stays as it is, the changes can be looked at and put into effect later. */
export class Overlay<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  /** What differs from the base; `undefined` for what is gone. */
  readonly changes = new Map<K, V | undefined>();

  constructor(base: ReadonlyMap<K, V>) {
    this.#base = base;
  }

  get(key: K): V | undefined {
    return this.changes.has(key) ? this.changes.get(key) : this.#base.get(key);
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): void {
    this.changes.set(key, value);
  }

  delete(key: K): void {
    if (this.#base.has(key)) this.changes.set(key, undefined);
    else this.changes.delete(key);
  }

  /** As it was in the base. */
  revert(key: K): void {
    this.changes.delete(key);
  }

  entries(): IterableIterator<[K, V]> {
    return this.changed ? this.#entries() : this.#base.entries();
  }

  *#entries(): Generator<[K, V]> {
    for (const [key, value] of this.#base) {
      if (!this.changes.has(key)) yield [key, value];
    }
    for (const [key, value] of this.changes) {
      if (value !== undefined) yield [key, value];
    }
  }

  keys(): IterableIterator<K> {
    return this.changed ? this.#keys() : this.#base.keys();
  }

  *#keys(): Generator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.entries();
  }

  get changed(): boolean {
    return this.changes.size > 0;
  }
}
