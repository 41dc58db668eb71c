import { closeSync, openSync, writeSync } from "node:fs";

/** As large as the pieces in which a file is read. */
const PIECE = 256 * 1024;

/** The first bytes are those of a gzip file, or who copies a layer would compress it. */
const FIRST = 0x00088b1f;

/**
 * Many bytes that cost nothing to make: one piece again and again, each time with its number in front. oras-go/main.go has the
 * same.
 */
export function* madeUp(size: number, first = FIRST): Generator<Uint8Array> {
  const pattern = Buffer.alloc(PIECE);
  for (let at = 0; at < PIECE; at++) pattern[at] = (at * 31 + (at >> 8)) & 0xff;
  let number = first;
  for (let at = 0; at < size; at += PIECE) {
    // A copy, since what is sent may still be on its way when the next one is made.
    const piece = Buffer.from(pattern);
    piece.writeUInt32LE(number++, 0);
    yield piece.subarray(0, Math.min(PIECE, size - at));
  }
}

export function writeMadeUp(path: string, size: number, first?: number): void {
  const file = openSync(path, "wx");
  for (const piece of madeUp(size, first)) writeSync(file, piece);
  closeSync(file);
}
