import { type Annotations, type Descriptor, descriptorOf } from "./descriptor.ts";
import { compact } from "./json-read.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { EMPTY_BYTES, isImageConfigType, MEDIA_TYPES } from "./media-types.ts";

/** @see https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor */
export const EMPTY_DESCRIPTOR: Descriptor = Object.freeze(descriptorOf(EMPTY_BYTES, MEDIA_TYPES.empty));

/** A manifest that is ready to be pushed. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** Content that packing brought in and that has to be stored before the manifest: the empty `{}`, or nothing. */
  readonly blobs: readonly { readonly bytes: Uint8Array; readonly descriptor: Descriptor }[];
}

export interface ManifestContent {
  /** May be left out only if `config` says what this is. */
  readonly artifactType?: string;
  /** The empty descriptor unless given. */
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

export interface IndexContent {
  readonly manifests: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
}

/**
 * Writes an OCI 1.1 image manifest. The same content gives the same bytes: keys of annotations are sorted, and no date is
 * put in. An artifact without layers gets the empty one, as the specification advises; an image without layers stays so.
 *
 * @throws `TypeError` if neither `artifactType` nor a `config` of a type of its own says what this is.
 * @throws `MANIFEST_INVALID`, `MANIFEST_TOO_LARGE` as {@link parseManifest}.
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
 *
 * @example
 * const { bytes, descriptor, blobs } = packManifest({ artifactType: "application/vnd.example.report", layers: [report] });
 */
export function packManifest(content: ManifestContent): Packed {
  const { artifactType, config = EMPTY_DESCRIPTOR, layers = [], subject, annotations } = content;
  if (!artifactType && config.mediaType === MEDIA_TYPES.empty) {
    throw new TypeError("packManifest needs an artifactType or a config that has a media type of its own");
  }
  const padded = layers.length > 0 || isImageConfigType(config.mediaType) ? layers : [EMPTY_DESCRIPTOR];
  const brought = content.config === undefined || padded !== layers;
  return pack(
    MEDIA_TYPES.imageManifest,
    {
      artifactType,
      config: written(config),
      layers: padded.map(written),
      subject: subject && written(subject),
      annotations: annotations && sorted(annotations),
    },
    brought ? [{ bytes: EMPTY_BYTES, descriptor: EMPTY_DESCRIPTOR }] : [],
  );
}

/**
 * Writes an OCI 1.1 image index, as {@link packManifest} writes a manifest.
 *
 * @throws `MANIFEST_INVALID`, `MANIFEST_TOO_LARGE` as {@link parseManifest}.
 */
export function packIndex(content: IndexContent): Packed {
  const { manifests, artifactType, subject, annotations } = content;
  return pack(
    MEDIA_TYPES.imageIndex,
    {
      artifactType,
      manifests: manifests.map(written),
      subject: subject && written(subject),
      annotations: annotations && sorted(annotations),
    },
    [],
  );
}

function pack(mediaType: string, fields: object, blobs: Packed["blobs"]): Packed {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  // Parsed again, so that what this writes is always what this reads.
  const manifest = parseManifest(bytes, mediaType);
  const { artifactType } = manifest;
  return { bytes, manifest, blobs, descriptor: descriptorOf(bytes, mediaType, artifactType ? { artifactType } : {}) };
}

/** The fields of a descriptor in the order in which tools in Go write them. */
function written(descriptor: Descriptor): Descriptor {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = descriptor;
  const copied = annotations && sorted(annotations);
  return compact<Descriptor>({ mediaType, digest, size, urls, annotations: copied, data, platform, artifactType });
}

function sorted(annotations: Annotations): Annotations {
  const result: Record<string, string> = Object.create(null);
  for (const key of Object.keys(annotations).sort()) result[key] = annotations[key]!;
  return result;
}
