import { type Annotations, type Descriptor, parseAnnotations, parseDescriptor, readMediaType } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { invalid } from "./invalid.ts";
import { field, type JsonObject, type JsonValue } from "./json.ts";
import { optional, readArray, readObject } from "./json-read.ts";
import { isImageConfigType, isIndexType, MEDIA_TYPES } from "./media-types.ts";

/** What the fields of a manifest of known type hold. */
export interface KnownParts {
  readonly kind: "image" | "index" | "artifact";
  readonly artifactType: string | undefined;
  readonly annotations: Annotations | undefined;
  readonly config: Descriptor | undefined;
  readonly subject: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
}

// What must not stand in a document of each kind, or a reader that goes by the fields sees something else than one that
// goes by the type (CVE-2021-41190).
const FORBIDDEN = {
  image: ["manifests"],
  index: ["config", "layers"],
  artifact: ["config", "layers", "manifests"],
} as const;

/** @throws `MANIFEST_INVALID` if it does not have the shape of `mediaType`, one of the five known types in lower case. */
export function readKnown(json: JsonValue, mediaType: string): KnownParts {
  const object = readObject(json, "manifest");
  const kind = isIndexType(mediaType) ? "index" : mediaType === MEDIA_TYPES.artifactManifest ? "artifact" : "image";
  if (kind !== "artifact" && field(object, "schemaVersion") !== 2) throw invalid("schemaVersion", "has to be 2");
  for (const name of FORBIDDEN[kind]) {
    if (Object.hasOwn(object, name)) throw invalid(name, `does not belong into ${mediaType}`);
  }
  const config = kind === "image" ? parseDescriptor(field(object, "config") ?? null, "config") : undefined;
  const parts = {
    kind,
    config,
    artifactType: artifactTypeOf(object, config),
    annotations: optional(object, "annotations", "", parseAnnotations),
    // Docker's types do not have it: there it is a field that nobody knows.
    subject: mediaType.startsWith("application/vnd.oci.")
      ? optional(object, "subject", "", parseDescriptor)
      : undefined,
    layers: kind === "image" ? descriptors(object, "layers") : [],
    manifests: kind === "index" ? childrenOf(object) : [],
    blobs: kind === "artifact" && Object.hasOwn(object, "blobs") ? descriptors(object, "blobs") : [],
  } as const;
  refuseConflicts(parts);
  return parts;
}

function descriptors(object: JsonObject, name: string): readonly Descriptor[] {
  return readArray(field(object, name), name).map((item, index) => parseDescriptor(item, `${name}[${index}]`));
}

/** oras-go writes an index without children as `"manifests": null`. */
function childrenOf(object: JsonObject): readonly Descriptor[] {
  return field(object, "manifests") === null ? [] : descriptors(object, "manifests");
}

/**
 * An empty one counts as none, as the specification says for referrers.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
function artifactTypeOf(object: JsonObject, config: Descriptor | undefined): string | undefined {
  const stated = field(object, "artifactType");
  if (stated !== undefined && stated !== "") return readMediaType(stated, "artifactType");
  return config === undefined || isImageConfigType(config.mediaType) ? undefined : config.mediaType;
}

/** One digest has one size. (It may have two media types: the empty `{}` is both a config and a layer.) */
function refuseConflicts({ config, subject, layers, manifests, blobs }: KnownParts): void {
  const sizes = new Map<Digest, number>();
  for (const each of [config, subject, ...layers, ...manifests, ...blobs]) {
    if (each === undefined) continue;
    const size = sizes.get(each.digest);
    if (size !== undefined && size !== each.size) {
      throw invalid("manifest", `${each.digest} has two sizes, ${size} and ${each.size}`);
    }
    sizes.set(each.digest, each.size);
  }
}
