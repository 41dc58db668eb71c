import { OciStoreError } from "../errors.ts";
import { type Annotations, type Descriptor, isMediaType, readMediaType } from "./descriptor.ts";
import type { Edge } from "./edge.ts";
import { quoted } from "./escape.ts";
import { invalid } from "./invalid.ts";
import { field, isJsonObject, type JsonLimits, type JsonObject, type JsonValue, parseJson } from "./json.ts";
import { optional } from "./json-read.ts";
import { type KnownParts, readKnown } from "./manifest-shapes.ts";
import { isManifestType, isSchema1Type, MEDIA_TYPES } from "./media-types.ts";
import { readOpaque } from "./opaque.ts";
import { successors } from "./successors.ts";

/** A manifest as far as a store has to understand it. The bytes stay what is stored and served. */
export interface Manifest {
  /** In lower case, without parameters. */
  readonly mediaType: string;
  /** `opaque`: the type is not known, and `edges` has every digest that the document mentions. */
  readonly kind: "image" | "index" | "artifact" | "opaque";
  /** The field of that name, or the type of the config of an image that is not one to be run. */
  readonly artifactType?: string;
  readonly annotations?: Annotations;
  readonly config?: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
  readonly subject?: Descriptor;
  /** What it names, from {@link successors}. */
  readonly edges: readonly Edge[];
}

/**
 * Parses a manifest. `mediaType` is what came with it (a `Content-Type`, the descriptor that led here); without one, the
 * field of the document decides, then its shape.
 *
 * @throws `MANIFEST_INVALID` if it is not what its type says, or two readers could see two things in it.
 * @throws `MANIFEST_TOO_LARGE` above 4 MiB, unless `limits` says otherwise.
 * @throws `UNSUPPORTED` for Docker's schema 1.
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md
 *
 * @example
 * const { edges } = parseManifest(bytes, "application/vnd.oci.image.manifest.v1+json");
 */
export function parseManifest(bytes: Uint8Array, mediaType?: string, limits: JsonLimits = {}): Manifest {
  const given = mediaType === undefined ? undefined : bareMediaType(mediaType);
  refuseSchema1(given);
  if (!(given !== undefined && isManifestType(given)) && !startsLikeJson(bytes)) {
    return build({ ...NO_PARTS, mediaType: given ?? MEDIA_TYPES.octetStream, kind: "opaque" }, []);
  }
  const json = parseJson(bytes, limits);
  const type = isJsonObject(json) ? typeOf(json, given) : (given ?? MEDIA_TYPES.json);
  refuseSchema1(type);
  if (isManifestType(type)) return build({ ...readKnown(json, type), mediaType: type }, []);
  const { mentions, ...known } = readOpaque(json);
  return build({ ...NO_PARTS, ...known, mediaType: type, kind: "opaque" }, mentions);
}

const NO_PARTS = {
  artifactType: undefined,
  annotations: undefined,
  config: undefined,
  subject: undefined,
  layers: [],
  manifests: [],
  blobs: [],
};

function build(
  parts: Omit<KnownParts, "kind"> & Pick<Manifest, "kind" | "mediaType">,
  mentions: readonly Edge[],
): Manifest {
  const { mediaType, kind, artifactType, annotations, subject, config, layers, manifests, blobs } = parts;
  const edges = successors({ subject, config, layers, manifests, blobs, mentions });
  const manifest: { -readonly [K in keyof Manifest]: Manifest[K] } = {
    mediaType,
    kind,
    layers,
    manifests,
    blobs,
    edges,
  };
  if (artifactType !== undefined) manifest.artifactType = artifactType;
  if (annotations !== undefined) manifest.annotations = annotations;
  if (config !== undefined) manifest.config = config;
  if (subject !== undefined) manifest.subject = subject;
  return manifest;
}

/** @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests on parameters */
function bareMediaType(text: string): string {
  if (text === MEDIA_TYPES.imageManifest || text === MEDIA_TYPES.imageIndex) return text;
  const bare = text.split(";", 1)[0]!.trim().toLowerCase();
  if (!isMediaType(bare)) throw invalid("mediaType", `${quoted(text)} is not a media type`);
  return bare;
}

function refuseSchema1(type: string | undefined): void {
  if (type !== undefined && isSchema1Type(type)) {
    throw new OciStoreError("UNSUPPORTED", `Docker manifests of schema 1 are not supported: ${type}`);
  }
}

/** A byte order mark counts: such a document has to be refused, not to pass for one that mentions nothing. */
function startsLikeJson(bytes: Uint8Array): boolean {
  let at = 0;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  const first = bytes[at];
  return first === 0x7b || first === 0x5b || (first === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf);
}

function typeOf(json: JsonObject, given: string | undefined): string {
  const stated = optional(json, "mediaType", "", readMediaType)?.toLowerCase();
  if (given !== undefined && stated !== undefined && given !== stated) {
    throw invalid("mediaType", `the document says ${stated}, and it came as ${given}`);
  }
  return given ?? stated ?? typeByShape(json);
}

/** What has the fields of both an image and an index is refused as an index. */
function typeByShape(json: JsonObject): string {
  if (isList(field(json, "manifests"))) return MEDIA_TYPES.imageIndex;
  const isImage = Object.hasOwn(json, "config") && Array.isArray(field(json, "layers"));
  return isImage ? MEDIA_TYPES.imageManifest : MEDIA_TYPES.json;
}

function isList(value: JsonValue | undefined): boolean {
  return value === null || Array.isArray(value);
}
