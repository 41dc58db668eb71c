/**
 * The media types that ocistore knows by name.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/media-types.md
 */
export const MEDIA_TYPES = {
  imageManifest: "application/vnd.oci.image.manifest.v1+json",
  imageIndex: "application/vnd.oci.image.index.v1+json",
  /** Was in the release candidates of OCI 1.1 only, but was pushed by several tools. */
  artifactManifest: "application/vnd.oci.artifact.manifest.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerSchema1: "application/vnd.docker.distribution.manifest.v1+json",
  dockerSchema1Signed: "application/vnd.docker.distribution.manifest.v1+prettyjws",
  imageConfig: "application/vnd.oci.image.config.v1+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  empty: "application/vnd.oci.empty.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  foreignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar",
  foreignLayerGzip: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  foreignLayerZstd: "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar",
  dockerForeignLayerGzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  octetStream: "application/octet-stream",
  json: "application/json",
} as const;

/**
 * `{}`: the content of a config or a layer that has none. Do not write to it.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor
 */
export const EMPTY_BYTES: Uint8Array = new TextEncoder().encode("{}");

const INDEX_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.imageIndex, MEDIA_TYPES.dockerManifestList]);

const MANIFEST_TYPES: ReadonlySet<string> = new Set([
  ...INDEX_TYPES,
  MEDIA_TYPES.imageManifest,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.artifactManifest,
]);

const SCHEMA1_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.dockerSchema1, MEDIA_TYPES.dockerSchema1Signed]);

const CONFIG_TYPES: ReadonlySet<string> = new Set([MEDIA_TYPES.imageConfig, MEDIA_TYPES.dockerConfig]);

const FOREIGN_LAYER_TYPES: ReadonlySet<string> = new Set([
  MEDIA_TYPES.foreignLayer,
  MEDIA_TYPES.foreignLayerGzip,
  MEDIA_TYPES.foreignLayerZstd,
  MEDIA_TYPES.dockerForeignLayer,
  MEDIA_TYPES.dockerForeignLayerGzip,
]);

// Media types are compared without case (RFC 6838, 4.2): a child whose type is only spelt otherwise is still a manifest.
const holds = (types: ReadonlySet<string>, mediaType: string): boolean =>
  types.has(mediaType) || types.has(mediaType.toLowerCase());

/** Whether it is one of the five manifest types whose shape is known: an image, an index, or the artifact of 1.1-rc. */
export function isManifestType(mediaType: string): boolean {
  return holds(MANIFEST_TYPES, mediaType);
}

/** Whether it is an image index or a Docker manifest list. */
export function isIndexType(mediaType: string): boolean {
  return holds(INDEX_TYPES, mediaType);
}

/** Whether it is a Docker manifest of schema 1, which is not supported. */
export function isSchema1Type(mediaType: string): boolean {
  return holds(SCHEMA1_TYPES, mediaType);
}

/** Whether it is the config of a runnable image, and so says nothing about the type of an artifact. */
export function isImageConfigType(mediaType: string): boolean {
  return holds(CONFIG_TYPES, mediaType);
}

/**
 * Whether it is a layer that may be left at its `urls` and be absent from a store.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/layer.md#non-distributable-layers
 */
export function isForeignLayerType(mediaType: string): boolean {
  return holds(FOREIGN_LAYER_TYPES, mediaType);
}
