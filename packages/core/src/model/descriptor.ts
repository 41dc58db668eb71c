import { type Annotations, parseAnnotations } from "./annotations.ts";
import { decodeBase64 } from "./base64.ts";
import {
  algorithmOf,
  DIGEST_ALGORITHMS,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  isDigest,
  parseForeignDigest,
} from "./digest.ts";
import { quoted } from "./escape.ts";
import { invalid } from "./invalid.ts";
import { field, type JsonValue } from "./json.ts";
import { compact, optional, readObject, readString, readStrings } from "./json-read.ts";
import { type Platform, parsePlatform } from "./platform.ts";

export { type Annotations, parseAnnotations } from "./annotations.ts";
export { formatPlatform, type Platform } from "./platform.ts";

/**
 * Names content: its type, its digest, its size.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#properties
 */
export interface Descriptor {
  readonly mediaType: string;
  /** May be of an algorithm that is not supported; such content is always absent here. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  readonly platform?: Platform;
  /** Kept as text; never fetched by this library. */
  readonly urls?: readonly string[];
  /** The content itself in base64; {@link parseDescriptor} has compared it with `digest` and `size`. */
  readonly data?: string;
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/;

/**
 * Whether it is a media type and nothing else: no parameters, no spaces.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6838#section-4.2
 */
export function isMediaType(text: string): boolean {
  return typeof text === "string" && MEDIA_TYPE.test(text);
}

/** So many properties a descriptor has at least. */
const REQUIRED = 3;

const NOTHING: ReadonlySet<string> = new Set(DIGEST_ALGORITHMS.map((each) => digestOf(new Uint8Array(0), each)));

/**
 * Checks a descriptor inside a document. `where` is its place in there, for the message: `layers[2]`.
 *
 * @throws `MANIFEST_INVALID`, caused by `DIGEST_INVALID` if that was the reason.
 */
export function parseDescriptor(value: JsonValue, where: string): Descriptor {
  const object = readObject(value, where);
  const digest = readDigest(readString(field(object, "digest"), `${where}.digest`), `${where}.digest`);
  const size = readSize(field(object, "size"), `${where}.size`);
  // A foreign digest of an algorithm that is known has been checked as one of ours.
  const known = digest.startsWith("sha256:") || isDigest(digest);
  if (known && (size === 0) !== NOTHING.has(digest)) throw invalid(`${where}.size`, `${size} does not fit ${digest}`);
  // Nearly all say no more than they have to, and there are many.
  if (Object.keys(object).length === REQUIRED) {
    return { mediaType: readMediaType(field(object, "mediaType"), `${where}.mediaType`), digest, size };
  }
  const data = optional(object, "data", where, readString);
  if (data !== undefined) checkData(data, digest, size, `${where}.data`);
  return compact<Descriptor>({
    mediaType: readMediaType(field(object, "mediaType"), `${where}.mediaType`),
    digest,
    size,
    artifactType: optional(object, "artifactType", where, readMediaType),
    annotations: optional(object, "annotations", where, parseAnnotations),
    platform: optional(object, "platform", where, parsePlatform),
    urls: optional(object, "urls", where, readStrings),
    data,
  });
}

/** @throws `MANIFEST_INVALID` */
export function readMediaType(value: JsonValue | undefined, where: string): string {
  const text = readString(value, where);
  if (!isMediaType(text)) throw invalid(where, `${quoted(text)} is not a media type`);
  return text;
}

function readDigest(text: string, where: string): Digest {
  try {
    return parseForeignDigest(text);
  } catch (cause) {
    throw invalid(where, `${quoted(text)} is not a digest`, cause);
  }
}

function readSize(value: JsonValue | undefined, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) {
    throw invalid(where, "has to be a whole number of bytes");
  }
  return value;
}

function checkData(data: string, digest: Digest, size: number, where: string): void {
  const bytes = decodeBase64(data);
  if (bytes === undefined) throw invalid(where, "has to be base64 with padding");
  if (bytes.length !== size) throw invalid(where, `has ${bytes.length} bytes where size says ${size}`);
  if (isDigest(digest) && digestOf(bytes, algorithmOf(digest) as DigestAlgorithm) !== digest) {
    throw invalid(where, `does not have the digest ${digest}`);
  }
}

/**
 * Describes bytes that are all at hand, by their sha256 digest.
 *
 * @throws `MANIFEST_INVALID` if `mediaType` is not a media type.
 */
export function descriptorOf(
  bytes: Uint8Array,
  mediaType: string,
  extra: Omit<Descriptor, "mediaType" | "digest" | "size"> = {},
): Descriptor {
  return { ...extra, mediaType: readMediaType(mediaType, "mediaType"), digest: digestOf(bytes), size: bytes.length };
}
