import prettyBytes from "pretty-bytes";

/** As people read it: `1.23 kB`. */
export function size(bytes: number): string {
  return prettyBytes(bytes);
}

/** `1 digest`, `2 digests`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const SHOWN = 12;

/** Enough of a digest to find it again: verbs that only look take that. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(":");
  return digest.slice(0, colon + 1 + SHOWN);
}

const WIDTH = 20;

/** `[########............]`; full if there is nothing to do. */
export function bar(done: number, total: number): string {
  const part = total > 0 ? Math.min(Math.max(done / total, 0), 1) : 1;
  const full = Math.floor(part * WIDTH);
  return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}]`;
}
