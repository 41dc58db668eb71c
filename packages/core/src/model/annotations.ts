import { quoted } from "./escape.ts";
import { invalid } from "./invalid.ts";
import type { JsonValue } from "./json.ts";
import { readObject } from "./json-read.ts";

/** Parsed ones have no prototype, so that a key such as `__proto__` or `toString` is a key like any other. */
export type Annotations = Readonly<Record<string, string>>;

/**
 * @throws `MANIFEST_INVALID` if it is not a map from strings to strings.
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md#rules
 */
export function parseAnnotations(value: JsonValue, where: string): Annotations {
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(readObject(value, where))) {
    if (typeof text !== "string") throw invalid(`${where}[${quoted(key)}]`, "has to be a string");
    annotations[key] = text;
  }
  return annotations;
}
