import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "@ocistore/core";

/** No object that is worth saving is longer. */
const LONGEST = 1024 * 1024;
/** Of what is nested deeper nothing is looked for. */
const DEEPEST = 64;

/**
 * The whole JSON objects in a text that as a whole is none: cut off, or overwritten in the middle. Of objects inside one
 * another the outermost that `accept` takes; in the order in which they stand.
 */
export function salvage(bytes: Uint8Array, accept: (object: JsonObject) => boolean): JsonObject[] {
  const found: { readonly start: number; readonly end: number; readonly object: JsonObject }[] = [];
  const starts: number[] = [];
  let isString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isString) {
      if (byte === BACKSLASH) at += 1;
      // No string goes on over a control character: its end was lost.
      else if (byte === QUOTE || byte < 0x20) isString = false;
    } else if (byte === QUOTE) {
      isString = true;
    } else if (byte === OPEN) {
      starts.push(at);
      if (starts.length > DEEPEST) starts.shift();
    } else if (byte === CLOSE) {
      const start = starts.pop();
      if (start === undefined || at - start > LONGEST) continue;
      const object = objectIn(bytes.subarray(start, at + 1));
      if (!object || !accept(object)) continue;
      while (found.length > 0 && found[found.length - 1]!.start > start) found.pop();
      found.push({ start, end: at, object });
    }
  }
  return found.map(({ object }) => object);
}

const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

function objectIn(bytes: Uint8Array): JsonObject | undefined {
  let json: JsonValue;
  try {
    json = parseJson(bytes);
  } catch {
    return undefined;
  }
  return isJsonObject(json) ? json : undefined;
}
