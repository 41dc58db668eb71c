import { invalid } from "./invalid.ts";
import { field, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

/** @throws `MANIFEST_INVALID` */
export function readObject(value: JsonValue | undefined, where: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(where, "has to be an object");
  return value;
}

/** @throws `MANIFEST_INVALID` */
export function readArray(value: JsonValue | undefined, where: string): readonly JsonValue[] {
  if (!Array.isArray(value)) throw invalid(where, "has to be an array");
  return value;
}

/** @throws `MANIFEST_INVALID` */
export function readString(value: JsonValue | undefined, where: string): string {
  if (typeof value !== "string") throw invalid(where, "has to be a string");
  return value;
}

/** @throws `MANIFEST_INVALID` */
export function readStrings(value: JsonValue | undefined, where: string): readonly string[] {
  return readArray(value, where).map((item, index) => readString(item, `${where}[${index}]`));
}

/** Reads a property that may be absent. Tools written in Go write some absent ones as `null`, and read them so. */
export function optional<T>(
  object: JsonObject,
  name: string,
  where: string,
  read: (value: JsonValue, where: string) => T,
): T | undefined {
  const value = field(object, name);
  return value === undefined || value === null ? undefined : read(value, where === "" ? name : `${where}.${name}`);
}

/** The same object without the properties that are undefined. */
export function compact<T extends object>(object: { readonly [K in keyof T]: T[K] | undefined }): T {
  const result: Partial<T> = {};
  for (const key of Object.keys(object) as (keyof T)[]) {
    const value = object[key];
    if (value !== undefined) result[key] = value;
  }
  return result as T;
}
