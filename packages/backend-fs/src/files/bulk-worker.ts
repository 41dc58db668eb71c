import type { BigIntStats } from "node:fs";

/** What a batch asks for. */
export interface BulkRequest {
  readonly id: number;
  /** With a zero between two: what no path has. */
  readonly paths: string;
  /** Bytes too, of regular files that are no longer than this. */
  readonly limit: number;
}

export interface BulkAnswer {
  readonly id: number;
  /** Of each path `FIELDS`: kind, size, time of modification in ms, mode, and how many bytes were read. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Of each path two: the device and the number of the file. */
  readonly identities: BigUint64Array<ArrayBuffer>;
  /** Those of all files, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export const FIELDS = 5;
export const ABSENT = 0;
export const FILE = 1;
export const DIRECTORY = 2;
/** There is no telling. */
export const UNKNOWN = 4;
/** In the place of a number of bytes: they were not read, since there are too many or it is no file. */
export const UNREAD = -1;

/**
 * Runs in a thread of its own, as text, so that whoever bundles this package need find no file for it: it uses nothing from
 * outside itself. It makes calls that wait, which is the point of it: here they keep nobody waiting but the next batch, and each
 * costs a tenth of one that is handed from thread to thread by itself.
 */
export function serveBulk(): void {
  // Bundlers put something of their own in the place of `require`.
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  const fs = process.getBuiltinModule("node:fs");
  const careful = fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0);

  /** As `openRegular` does it: looked at before, opened, and looked at again. Undefined where somebody has to look closer. */
  const bytesOf = (path: string, before: BigIntStats): Uint8Array | undefined => {
    const file = fs.openSync(path, careful);
    try {
      const { ino, dev, size } = fs.fstatSync(file, { bigint: true });
      if (ino !== before.ino || dev !== before.dev || size !== before.size) return undefined;
      const bytes = new Uint8Array(Number(size));
      return fs.readSync(file, bytes, 0, bytes.length, 0) === bytes.length ? bytes : undefined;
    } finally {
      fs.closeSync(file);
    }
  };

  parentPort!.on("message", ({ id, paths, limit }: BulkRequest) => {
    const list = paths.split("\0");
    const numbers = new Float64Array(list.length * 5);
    const identities = new BigUint64Array(list.length * 2);
    const pieces: Uint8Array[] = [];
    for (let place = 0; place < list.length; place++) {
      try {
        const path = list[place]!;
        const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
        if (!stat) continue;
        const kind = stat.isFile() ? 1 : stat.isDirectory() ? 2 : 3;
        const piece = kind === 1 && stat.size <= limit ? bytesOf(path, stat) : undefined;
        if (piece) pieces.push(piece);
        // As `fileStat` has it.
        const modified = Math.round(Number(stat.mtimeNs / 1000n) / 1000);
        const mode = Number(stat.mode & 0o7777n);
        numbers.set([kind, Number(stat.size), modified, mode, piece ? piece.length : -1], place * 5);
        identities[place * 2] = stat.dev;
        identities[place * 2 + 1] = stat.ino;
      } catch {
        numbers[place * 5] = 4;
      }
    }
    const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    const answer: BulkAnswer = { id, numbers, identities, bytes };
    parentPort!.postMessage(answer, [numbers.buffer, identities.buffer, bytes.buffer]);
  });
}
