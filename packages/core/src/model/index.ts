export {
  type Annotations,
  type Descriptor,
  descriptorOf,
  formatPlatform,
  isMediaType,
  type Platform,
  parseAnnotations,
  parseDescriptor,
} from "./descriptor.ts";
export {
  algorithmOf,
  createHasher,
  DIGEST_ALGORITHMS,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  encodedOf,
  type Hasher,
  isDigest,
  parseDigest,
  parseForeignDigest,
} from "./digest.ts";
export { type Edge, type EdgeKind, isRequired } from "./edge.ts";
export { printable, quoted } from "./escape.ts";
export {
  field,
  isJsonObject,
  type JsonLimits,
  type JsonObject,
  type JsonValue,
  MANIFEST_LIMIT,
  parseJson,
} from "./json.ts";
export { type Manifest, parseManifest } from "./manifest.ts";
export {
  EMPTY_BYTES,
  isForeignLayerType,
  isImageConfigType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  MEDIA_TYPES,
} from "./media-types.ts";
export {
  EMPTY_DESCRIPTOR,
  type IndexContent,
  type ManifestContent,
  type Packed,
  packIndex,
  packManifest,
} from "./pack.ts";
export { isRefName, isTag, parseRefName, parseTag, parseTarget, type Target } from "./reference.ts";
export { type MachineryTag, parseMachineryTag, referrersTag } from "./referrers-tag.ts";
export { isRepositoryName, parseRepositoryName } from "./repository-name.ts";
export { type ManifestParts, successors } from "./successors.ts";
