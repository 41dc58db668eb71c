import { quoted } from "./escape.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_U = 0x75;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const NUMBER = /[-+.0-9eE]*/y;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Says what is wrong with a JSON text that `JSON.parse` would let through: depth, duplicate keys, lone surrogates, inexact
 * numbers. The grammar is left to `JSON.parse`, so what this finds in a text that is not JSON at all does not matter. One
 * pass, no recursion, and time linear in the length.
 */
export function faultInJson(text: string, maxDepth: number): string | undefined {
  const outer: (Keys | undefined)[] = [];
  // The keys of the innermost object so far; undefined inside an array.
  let keys: Keys | undefined;
  let keyIsNext = false;
  // Where nothing is escaped, as in nearly all manifests, a string ends at the next quote.
  const hasEscapes = text.includes("\\");
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      let end = hasEscapes ? at + 1 : text.indexOf('"', at + 1);
      if (end === -1) return undefined;
      let escapes = false;
      let unicodeEscapes = false;
      for (; hasEscapes && end < text.length; end++) {
        const inner = text.charCodeAt(end);
        if (inner === QUOTE) break;
        if (inner !== BACKSLASH) continue;
        escapes = true;
        end++;
        if (text.charCodeAt(end) === LOWER_U) unicodeEscapes = true;
      }
      const isKey = keyIsNext && keys !== undefined;
      if (isKey || unicodeEscapes) {
        const value = stringAt(text, at, end, escapes);
        if (value === undefined) return "not well-formed";
        if (unicodeEscapes && LONE_SURROGATE.test(value)) return "half of a surrogate pair in a string";
        if (isKey) {
          if (!keys!.add(value)) return `the key ${quoted(value)} stands twice in one object`;
          keyIsNext = false;
        }
      }
      at = end + 1;
      continue;
    }
    if (code === MINUS || (code >= ZERO && code <= NINE)) {
      NUMBER.lastIndex = at;
      const [token] = NUMBER.exec(text)!;
      const fault = faultInNumber(token);
      if (fault !== undefined) return fault;
      at += token.length;
      continue;
    }
    if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
      outer.push(keys);
      if (outer.length > maxDepth) return `deeper than ${maxDepth} levels`;
      keyIsNext = code === OPEN_OBJECT;
      keys = keyIsNext ? new Keys() : undefined;
    } else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      keys = outer.pop();
    } else if (code === COMMA) {
      keyIsNext = keys !== undefined;
    }
    at++;
  }
  return undefined;
}

/** So many are looked through faster than a set is made. */
const FEW = 8;

class Keys {
  readonly #few: string[] = [];
  #many: Set<string> | undefined;

  /** False if it is there already. */
  add(key: string): boolean {
    if (this.#many) return this.#many.size < this.#many.add(key).size;
    if (this.#few.includes(key)) return false;
    if (this.#few.push(key) > FEW) this.#many = new Set(this.#few);
    return true;
  }
}

/** What the string whose quotes are at `start` and `end` stands for, or undefined if it is not one. */
function stringAt(text: string, start: number, end: number, escapes: boolean): string | undefined {
  if (!escapes) return text.slice(start + 1, end);
  try {
    return JSON.parse(text.slice(start, end + 1));
  } catch {
    return undefined;
  }
}

/**
 * An integer has to be safe, so that no two readers round it differently, and be written as one: readers in Go refuse `1e2`
 * where they want an integer. Minus zero is refused because it compares as zero and prints otherwise.
 */
function faultInNumber(token: string): string | undefined {
  const value = Number(token);
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return `the number ${quoted(token)} cannot be held exactly`;
  if (Object.is(value, -0)) return "the number -0";
  if (Number.isInteger(value) && /e/i.test(token)) return `the integer ${quoted(token)} is written with an exponent`;
  return undefined;
}
