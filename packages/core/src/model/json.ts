import { OciStoreError } from "../errors.ts";
import { invalid } from "./invalid.ts";
import { faultInJson } from "./json-scan.ts";

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Read it with {@link field}, so that `constructor` and its like never leak out of the prototype. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/**
 * The most bytes that a manifest may have, the limit that registries agree on.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
 */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

const DEPTH_LIMIT = 100;

export interface JsonLimits {
  /** Bytes; {@link MANIFEST_LIMIT} unless given. */
  readonly maxBytes?: number;
  /** How many objects and arrays may stand in one another; 100 unless given. */
  readonly maxDepth?: number;
}

/**
 * Parses JSON that nobody vouches for, and refuses what two readers could understand differently: a byte order mark,
 * invalid UTF-8, half a surrogate pair, a key twice in one object, and numbers that are not exact.
 *
 * @throws `MANIFEST_TOO_LARGE` if there are more than `maxBytes`.
 * @throws `MANIFEST_INVALID` for everything else.
 * @see https://www.rfc-editor.org/rfc/rfc7493 (I-JSON)
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  const { maxBytes = MANIFEST_LIMIT, maxDepth = DEPTH_LIMIT } = limits;
  if (bytes.length > maxBytes) {
    throw new OciStoreError("MANIFEST_TOO_LARGE", `${bytes.length} bytes are more than the limit of ${maxBytes}`, {
      expected: maxBytes,
      actual: bytes.length,
    });
  }
  const text = decode(bytes);
  const fault = faultInJson(text, maxDepth);
  if (fault !== undefined) throw invalid("JSON", fault);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid("JSON", "not well-formed", cause);
  }
}

/** Without `ignoreBOM` a byte order mark would be dropped silently; so it stays, and JSON.parse refuses it. */
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw invalid("JSON", "not valid UTF-8", cause);
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own property of a parsed object; never one of `Object.prototype`. */
export function field(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
