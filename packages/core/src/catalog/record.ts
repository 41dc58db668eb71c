import type { ManifestRecord } from "../contract/catalog.ts";
import type { Ms } from "../contract/environment.ts";
import type { Placement } from "../contract/placement.ts";
import type { Manifest } from "../model/manifest.ts";

/**
 * What a catalog keeps of a manifest. One that refers to a subject is listed there under the type of its config, if it has
 * no artifact type of its own.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export function recordOf(manifest: Manifest, { digest, size, generation }: Placement, pushed: Ms): ManifestRecord {
  const { mediaType, annotations, edges, config, subject } = manifest;
  const artifactType = manifest.artifactType ?? (subject && config?.mediaType);
  return { digest, size, generation, mediaType, artifactType, annotations, edges, pushed };
}
