import { createHash } from "node:crypto";
import type { Digest } from "@ocistore/core";

// What a script may push: a pool of blobs, and manifests that name them and each other. Written by hand, so that nothing
// here depends on the code under test.

export const BLOBS = 5;

/** A manifest to be, with numbers for what it names; see {@link writeDocuments} for what they mean. */
export interface Sketch {
  readonly kind: "image" | "index";
  readonly config: number;
  readonly layers: readonly number[];
  readonly children: readonly number[];
  readonly subject?: number | undefined;
}

export interface Document {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Config and layers. */
  readonly blobs: readonly Digest[];
  /** Child manifests. */
  readonly children: readonly Digest[];
  readonly subject?: Digest | undefined;
}

export interface Documents {
  readonly blobs: readonly { readonly digest: Digest; readonly bytes: Uint8Array }[];
  readonly manifests: readonly Document[];
  readonly byDigest: ReadonlyMap<Digest, Document>;
  bytesOf(digest: Digest): Uint8Array;
}

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

/**
 * Writes the manifests of a script. Each may name blobs of the pool and manifests before it:
 * a config is a blob; a layer is a blob, or above their number the bytes of an earlier manifest; a child is an earlier
 * manifest; a subject is an earlier manifest, or below zero a blob. Numbers too high wrap around.
 *
 * @param o.plainLayers Layers are blobs only.
 */
export function writeDocuments(sketches: readonly Sketch[], o: { readonly plainLayers?: boolean } = {}): Documents {
  const blobs = Array.from({ length: BLOBS }, (_, n) => {
    const bytes = new TextEncoder().encode(`blob ${n} ${".".repeat(n)}`);
    return { digest: digestOf(bytes), bytes };
  });
  const manifests: Document[] = [];
  const blob = (n: number) => ({ ...blobs[n % BLOBS]! });
  const earlier = (n: number) => manifests[n % manifests.length];

  for (const [number, { kind, config, layers, children, subject }] of sketches.entries()) {
    const about = subject === undefined ? undefined : subject < 0 ? blob(-subject) : earlier(subject);
    const annotations = { number: String(number) };
    const named = { blobs: [] as Digest[], children: [] as Digest[] };
    let fields: object;
    if (kind === "image") {
      const parts = layers.map((n) => (n >= BLOBS && !o.plainLayers ? (earlier(n - BLOBS) ?? blob(n)) : blob(n)));
      named.blobs.push(blob(config).digest, ...parts.map(({ digest }) => digest));
      fields = { config: described(blob(config), CONFIG), layers: parts.map((part) => described(part, LAYER)) };
    } else {
      const chosen = children.map(earlier).filter((child) => child !== undefined);
      named.children.push(...chosen.map(({ digest }) => digest));
      fields = { manifests: chosen.map((child) => described(child, child.mediaType)) };
    }
    const mediaType = kind === "image" ? IMAGE : INDEX;
    const base = { schemaVersion: 2, mediaType, ...fields, annotations };
    const aboutType = about && "mediaType" in about ? (about as Document).mediaType : LAYER;
    const text = JSON.stringify(about ? { ...base, subject: described(about, aboutType) } : base);
    const bytes = new TextEncoder().encode(text);
    manifests.push({
      digest: digestOf(bytes),
      bytes,
      mediaType,
      blobs: unique(named.blobs),
      children: unique(named.children),
      subject: about?.digest,
    });
  }
  const byDigest = new Map(manifests.map((each) => [each.digest, each]));
  const all = new Map([...blobs, ...manifests].map(({ digest, bytes }) => [digest, bytes]));
  return { blobs, manifests, byDigest, bytesOf: (digest) => all.get(digest)! };
}

function described({ digest, bytes }: { digest: Digest; bytes: Uint8Array }, mediaType: string) {
  return { mediaType, digest, size: bytes.length };
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}
