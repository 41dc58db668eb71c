import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Descriptor, descriptorOf, MEDIA_TYPES, type Packed, packIndex, packManifest } from "@ocistore/core";

// All content comes out of a small pool and is the same in every process, so that all of them push the same layers, and
// often the same images, at the same time.

const LAYERS = 24;
export const IMAGES = 30;
/** Large ones are sent in pieces, and gone on with by whoever follows a process that was killed. */
const LARGE = 6;

export interface Blob {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
  readonly isLarge?: boolean;
}

export interface Image {
  readonly blobs: readonly Blob[];
  readonly packed: Packed;
}

interface Layer extends Blob {
  readonly diffId: string;
}

const layers = new Map<number, Layer>();

function layer(n: number): Layer {
  const present = layers.get(n);
  if (present) return present;
  const isLarge = n % LARGE === 0;
  const parts = Array.from({ length: isLarge ? 8000 : 20 + n * 5 }, (_, at) => sha256(`layer ${n} part ${at}`));
  const plain = Buffer.concat(parts);
  const bytes = new Uint8Array(gzipSync(plain, { level: 1 }));
  const diffId = `sha256:${sha256(plain).toString("hex")}`;
  const made = { bytes, descriptor: descriptorOf(bytes, MEDIA_TYPES.layerGzip), isLarge, diffId };
  layers.set(n, made);
  return made;
}

/** Image `n` of the pool; or, under a name, one that nobody else pushes, of layers that everybody does. */
export function image(n: number, name = `image ${n}`): Image {
  const own = [n, n * 7 + 3, n * 11 + 5].slice(0, 2 + (n % 2)).map((each) => layer(each % LAYERS));
  const config = blob(
    {
      created: "2025-06-15T15:06:40Z",
      architecture: "amd64",
      os: "linux",
      config: { Labels: { name } },
      rootfs: { type: "layers", diff_ids: own.map(({ diffId }) => diffId) },
    },
    MEDIA_TYPES.imageConfig,
  );
  const packed = packManifest({ config: config.descriptor, layers: own.map(({ descriptor }) => descriptor) });
  return { blobs: [...own, config], packed };
}

/** An index over images of the pool. */
export function index(n: number): { readonly images: readonly Image[]; readonly packed: Packed } {
  const images = [n, n + 1, n + 2].slice(0, 2 + (n % 2)).map((each) => image(each % IMAGES));
  return { images, packed: packIndex({ manifests: images.map(({ packed }) => packed.descriptor) }) };
}

/** Something that refers to a manifest. */
export function referrer(n: number, subject: Descriptor, name?: string): Image {
  const signed = blob({ signed: n, name }, "application/vnd.example.signature+json");
  const packed = packManifest({
    artifactType: "application/vnd.example.signature",
    layers: [signed.descriptor],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
  });
  return { blobs: [signed], packed };
}

function blob(json: object, mediaType: string): Blob {
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  return { bytes, descriptor: descriptorOf(bytes, mediaType) };
}

function sha256(content: string | Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
