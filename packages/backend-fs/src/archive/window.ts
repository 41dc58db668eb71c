import { OciStoreError } from "@ocistore/core";

/** Small members lie close together, and their headers come with one read. */
const SIZE = 4096;

export interface Window {
  /** Fills the buffer from `position` on; how many bytes there were. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** These bytes, in a view that the next call may change. @throws `CORRUPT` if there are fewer. */
  block(at: number, length: number): Promise<Uint8Array>;
}

/** A look at a file through a few KiB that move on with it. */
export function windowOver(read: Window["read"], total: number): Window {
  const buffer = new Uint8Array(SIZE);
  let [start, length] = [0, 0];
  return {
    read,
    block: async (at, wanted) => {
      if (at + wanted > total) throw truncated(at + wanted, total);
      if (wanted > SIZE) {
        const bytes = new Uint8Array(wanted);
        const got = await read(bytes, at);
        if (got < wanted) throw truncated(at + wanted, at + got);
        return bytes;
      }
      if (at < start || at + wanted > start + length) {
        length = await read(buffer.subarray(0, Math.min(SIZE, total - at)), at);
        start = at;
        if (length < wanted) throw truncated(at + wanted, at + length);
      }
      return buffer.subarray(at - start, at - start + wanted);
    },
  };
}

function truncated(expected: number, actual: number): OciStoreError {
  const message = `the archive is cut off: it has ${actual} bytes, and goes on at least to ${expected}`;
  return new OciStoreError("CORRUPT", message, { expected, actual });
}
