import {
  type Digest,
  field,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  OciStoreError,
  parseForeignDigest,
  parseJson,
} from "@ocistore/core";
import { replaceFile } from "../files/durable.ts";
import type { FileSystem } from "../files/file-system.ts";
import { unlinkIfThere } from "../files/listing.ts";
import { readWhole } from "../files/read.ts";

/** The version of all that lies under `.ocistore/`. A store of a newer one is left alone. */
const FORMAT = 1;

const LIMIT = 64 * 1024 * 1024;

/**
 * One of our own small files; `undefined` if there is none.
 *
 * @throws `LAYOUT_INVALID` if it is damaged, `UNSUPPORTED` if a newer ocistore wrote it.
 */
export async function readJsonFile(fs: FileSystem, path: string): Promise<JsonObject | undefined> {
  const bytes = await readWhole(fs, path, LIMIT);
  if (!bytes) return undefined;
  let json: unknown;
  try {
    json = parseJson(bytes, { maxBytes: LIMIT });
  } catch (error) {
    throw new OciStoreError("LAYOUT_INVALID", `damaged: ${path}`, { path }, { cause: error });
  }
  if (!isJsonObject(json as JsonObject)) throw damaged(path);
  const format = field(json as JsonObject, "format");
  if (typeof format !== "number") throw damaged(path);
  if (format > FORMAT)
    throw new OciStoreError("UNSUPPORTED", `written by a newer ocistore (format ${format}): ${path}`, { path });
  return json as JsonObject;
}

/** One of our own small files, as it is to be written. */
export function encodeJson(content: JsonObject): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: FORMAT, ...content })}\n`);
}

export function damaged(path: string, cause?: unknown): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", `damaged: ${path}`, { path }, { cause });
}

/** Of any algorithm: manifests and entries of index.json may name what can never be stored here. */
export function readDigest(value: JsonValue | undefined, path: string): Digest {
  if (typeof value !== "string") throw damaged(path);
  try {
    return parseForeignDigest(value);
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/**
 * Replaces one of our files, or index.json. Only whoever holds the lock does, so the new version has a fixed name until it
 * takes the place of the old one, and what an earlier holder left under that name when it died is in nobody's use.
 */
export async function replaceOurs(
  fs: FileSystem,
  path: string,
  temp: string,
  content: JsonObject | Uint8Array,
  beforeRename?: () => Promise<boolean>,
): Promise<boolean> {
  const bytes = content instanceof Uint8Array ? content : encodeJson(content);
  await unlinkIfThere(fs, temp);
  return replaceFile(fs, path, bytes, { temp, ...(beforeRename && { beforeRename }) });
}
