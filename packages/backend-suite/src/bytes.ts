import type { Bytes } from "@ocistore/core";

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes that look random and are the same in every run. */
export function noise(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A source of these pieces. */
export async function* pieces(...list: readonly Uint8Array[]): Bytes {
  yield* list;
}

/** A source that fails once it has sent these pieces. */
export async function* failing(error: unknown, ...list: readonly Uint8Array[]): Bytes {
  yield* list;
  throw error;
}

/** The bytes in pieces of a size. */
export function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const list: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) list.push(bytes.slice(at, at + size));
  return list;
}

/** Everything that comes out, as one plain `Uint8Array`. */
export async function gather(bytes: Bytes): Promise<Uint8Array> {
  return joined(await all(bytes));
}

export function joined(list: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(list.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of list) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** A promise that somebody else settles. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}
