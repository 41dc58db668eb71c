import { algorithmOf, type Digest, encodedOf } from "@ocistore/core";

// A digest is kept as bytes: one that says the algorithm, then the hash. That takes 33 in place of 71, is compared twice
// as fast, and stands in the same order as the text, so that a listing by digest is a walk along an index.

/** Algorithms whose hex is kept as bytes, in the order of their names; the numbers between are for what lies between. */
const PACKED = [
  ["sha256", 2],
  ["sha384", 4],
  ["sha512", 6],
] as const;

export function pack(digest: Digest): Uint8Array {
  const algorithm = algorithmOf(digest);
  const known = PACKED.find(([name]) => name === algorithm);
  if (known) return Buffer.from(`0${known[1]}${encodedOf(digest)}`, "hex");
  const before = PACKED.filter(([name]) => `${name}:` < digest).length;
  return Buffer.concat([Buffer.of(2 * before + 1), Buffer.from(digest)]);
}

export function unpack(bytes: Uint8Array): Digest {
  const { buffer, byteOffset, length } = bytes;
  const known = PACKED.find(([, number]) => number === bytes[0]);
  const text = Buffer.from(buffer, byteOffset + 1, length - 1).toString(known ? "hex" : "utf8");
  return (known ? `${known[0]}:${text}` : text) as Digest;
}

/** The first and the last digest whose text begins so, as they are kept. `stem` is an algorithm, a colon, and whole bytes of hex. */
export function range(stem: string): readonly [Uint8Array, Uint8Array] {
  const first = pack(stem as Digest);
  return [first, Buffer.concat([first, Buffer.alloc(64, 0xff)])];
}
