import type { Digest } from "../model/digest.ts";
import { IntList } from "./int-list.ts";

const PREFIX = "sha256:";
const HEX = 64;
const WORDS = HEX / 8;

/**
 * So many places are looked at before a digest is kept elsewhere: real ones spread evenly, but anybody can name digests that
 * do not, and nobody may make a search long by that.
 */
const PROBES = 64;

/** Numbers digests as they are met, from 0. A sha256 takes some 45 bytes, where a string in a `Map` takes some 130. */
export class DigestTable {
  /** Eight words for each number; unused where the digest is kept as text. */
  readonly #words = new IntList();
  /** A number + 1, or 0 for a free place; a power of two of them, half of which are free at least. */
  #places = new Int32Array(64);
  #size = 0;
  /** What is no sha256, or has found no place. */
  readonly #others = new Map<string, number>();
  readonly #texts = new Map<number, Digest>();
  readonly #word = new Int32Array(WORDS);

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The number of a digest; a new one if it has not been met before. */
  id(digest: Digest): number {
    const known = this.#look(digest);
    if (known !== undefined) return known;
    const id = this.#size++;
    if (this.#size * 2 > this.#places.length) this.#grow();
    // Growing has used the words for others.
    const isPlaced = this.#read(digest) && this.#place(id);
    for (let at = 0; at < WORDS; at++) this.#words.push(this.#word[at]!);
    if (!isPlaced) this.#keepText(id, digest);
    return id;
  }

  /** Its number, if it has been met before. */
  find(digest: Digest): number | undefined {
    return this.#look(digest);
  }

  digest(id: number): Digest {
    const text = this.#texts.size > 0 ? this.#texts.get(id) : undefined;
    if (text !== undefined) return text;
    let hex = PREFIX;
    for (let at = id * WORDS; at < (id + 1) * WORDS; at++) {
      const word = this.#words.at(at);
      hex +=
        PAIRS[(word >>> 24) & 0xff]! + PAIRS[(word >>> 16) & 0xff]! + PAIRS[(word >>> 8) & 0xff]! + PAIRS[word & 0xff]!;
    }
    return hex as Digest;
  }

  #look(digest: Digest): number | undefined {
    if (this.#read(digest)) {
      const mask = this.#places.length - 1;
      const start = hashOf(this.#word);
      for (let probe = 0; probe < PROBES; probe++) {
        const id = this.#places[(start + probe) & mask]! - 1;
        if (id === -1) break;
        if (this.#isAt(id)) return id;
      }
    }
    return this.#others.size > 0 ? this.#others.get(digest) : undefined;
  }

  #isAt(id: number): boolean {
    for (let at = 0; at < WORDS; at++) if (this.#words.at(id * WORDS + at) !== this.#word[at]) return false;
    return true;
  }

  /** Into `#word`. False if it is no sha256 as it should be. */
  #read(digest: Digest): boolean {
    if (digest.length !== PREFIX.length + HEX || !digest.startsWith(PREFIX)) return false;
    for (let word = 0; word < WORDS; word++) {
      let value = 0;
      const start = PREFIX.length + word * 8;
      for (let at = start; at < start + 8; at++) {
        const nibble = NIBBLES[digest.charCodeAt(at)];
        if (nibble === undefined || nibble < 0) return false;
        value = (value << 4) | nibble;
      }
      this.#word[word] = value;
    }
    return true;
  }

  /** Finds a place for what is in `#word`; false if there is none within reach. */
  #place(id: number): boolean {
    const mask = this.#places.length - 1;
    const start = hashOf(this.#word);
    for (let probe = 0; probe < PROBES; probe++) {
      const at = (start + probe) & mask;
      if (this.#places[at] !== 0) continue;
      this.#places[at] = id + 1;
      return true;
    }
    return false;
  }

  #keepText(id: number, digest: Digest): void {
    this.#others.set(digest, id);
    this.#texts.set(id, digest);
  }

  #grow(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    for (let id = 0; id < this.#size - 1; id++) {
      if (this.#texts.has(id)) continue;
      for (let at = 0; at < WORDS; at++) this.#word[at] = this.#words.at(id * WORDS + at);
      if (!this.#place(id)) this.#keepText(id, this.digest(id));
    }
  }
}

/** All words count, so that it takes some doing to make two digests meet. */
function hashOf(words: Int32Array): number {
  let hash = 0;
  for (let at = 0; at < WORDS; at++) {
    hash = Math.imul(hash ^ words[at]!, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

const NIBBLES = new Int8Array(128).fill(-1);
for (const [value, digit] of [..."0123456789abcdef"].entries()) NIBBLES[digit.charCodeAt(0)] = value;
