import { fromFile, initLayout, openLayout } from "@ocistore/backend-fs";
import { type Descriptor, type Digest, MEDIA_TYPES, packIndex, packManifest, type Session } from "@ocistore/core";
import { inputFile, type Layer, layerOf } from "./layer.ts";

/** No clock: the same files make the same image. */
const CREATED = "2024-01-01T00:00:00Z";

export interface Built {
  /** The layer that all images share. */
  readonly base: Digest;
}

/**
 * Builds the walkthrough's store, as a build tool would with this library: layers and configs first, then the manifests,
 * the index last and its tag with it.
 */
export async function build(directory: string, signal: AbortSignal): Promise<Built> {
  // Not in a store that is there already: the walk deletes.
  await initLayout(directory);
  const store = await openLayout(directory);
  try {
    return await store.repository().session(
      async (session) => {
        const base = await layerOf("base");
        const first = await putVersion(session, base, "1.0", ["1.0"]);
        await putVersion(session, base, "2.0", ["2.0", "latest"]);
        await putReferrer(session, first, "application/spdx+json", "referrers/sbom.spdx.json");
        await putReferrer(session, first, "application/vnd.example.signature.v1+json", "referrers/signature.json");
        const { digest } = await session.putBlob(base.bytes);
        return { base: digest };
      },
      { signal },
    );
  } finally {
    await store.close();
  }
}

async function putVersion(
  session: Session,
  base: Layer,
  version: string,
  tags: readonly string[],
): Promise<Descriptor> {
  const site = await layerOf(`web-${version}`);
  const manifests: Descriptor[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    manifests.push(await putImage(session, [base, site, await layerOf(architecture)], architecture, version));
  }
  return session.putManifest(packIndex({ manifests }), { tags });
}

/** @see https://github.com/opencontainers/image-spec/blob/main/config.md */
async function putImage(
  session: Session,
  layers: readonly Layer[],
  architecture: string,
  version: string,
): Promise<Descriptor> {
  const config = {
    created: CREATED,
    architecture,
    os: "linux",
    config: { User: "65534:65534", WorkingDir: "/srv/www", Labels: { "org.opencontainers.image.version": version } },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ createdBy }) => ({
      created: CREATED,
      created_by: createdBy,
      comment: "ocistore walkthrough",
    })),
  };
  const stored: Descriptor[] = [];
  for (const { bytes } of layers)
    stored.push(await session.putBlob({ stream: bytes, mediaType: MEDIA_TYPES.layerGzip }));
  const stream = new TextEncoder().encode(JSON.stringify(config));
  const packed = packManifest({
    config: await session.putBlob({ stream, mediaType: MEDIA_TYPES.imageConfig }),
    layers: stored,
  });
  return { ...(await session.putManifest(packed)), platform: { os: "linux", architecture } };
}

async function putReferrer(session: Session, subject: Descriptor, artifactType: string, file: string): Promise<void> {
  const { mediaType, digest, size } = subject;
  const layer = await session.putBlob(await fromFile(inputFile(file), { mediaType: artifactType }));
  await session.putManifest(packManifest({ artifactType, layers: [layer], subject: { mediaType, digest, size } }));
}
