import type { Digest, Edge, Membership } from "@ocistore/core";

/** How large a made-up store is, and who shares what in it. */
export interface Shape {
  readonly manifests: number;
  /** Layers of each manifest that no other names. Its config is another. */
  readonly unique: number;
  /** Layers of each that are drawn from those that all share. */
  readonly shared: number;
  /** How many layers there are to share. */
  readonly pool: number;
  /** Each manifest of this number in turn is an untagged referrer of the one before it; none if 0. */
  readonly signed: number;
}

export const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
export const EPOCH = 1_700_000_000_000;

/** All digests that there are: manifests first, then what is theirs alone, then what is shared. */
export const nodesOf = ({ manifests, unique, pool }: Shape): number => manifests * (2 + unique) + pool;

export const isReferrer = (number: number, { signed }: Shape): boolean => signed > 0 && number % signed === signed - 1;

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");

/** Spread as real ones are, and yet with its number in it. */
export function digestAt(number: number): Digest {
  const mixed = Math.imul(number + 1, 0x9e3779b1);
  return `sha256:${hex(mixed ^ (mixed >>> 15))}${MIDDLE}${hex(number)}` as Digest;
}

const MIDDLE = "0123456789abcdef".repeat(3);

export const numberOf = (digest: Digest): number => Number.parseInt(digest.slice(-8), 16);

/** What a manifest names: a pure function of its number, so that a store of any size takes no memory. */
export function edgesAt(number: number, shape: Shape): Edge[] {
  const { manifests, unique, shared, pool } = shape;
  const own = manifests + number * (1 + unique);
  const edges: Edge[] = [];
  if (isReferrer(number, shape)) {
    edges.push({
      to: digestAt(number - 1),
      kind: "subject",
      mediaType: MANIFEST,
      size: sizeAt(number - 1),
      optional: true,
    });
  }
  edges.push({ to: digestAt(own), kind: "config", mediaType: CONFIG, size: sizeAt(own) });
  for (let at = 1; at <= unique; at++) {
    edges.push({ to: digestAt(own + at), kind: "layer", mediaType: LAYER, size: sizeAt(own + at) });
  }
  const drawn = new Set<number>();
  for (let at = 0; at < shared; at++) drawn.add((number * 31 + at * 7) % pool);
  const base = manifests * (2 + unique);
  for (const each of drawn) {
    edges.push({ to: digestAt(base + each), kind: "layer", mediaType: LAYER, size: sizeAt(base + each) });
  }
  return edges;
}

export const sizeAt = (number: number): number => 100 + (number % 1000);

/** Tagged, all but the referrers. */
export function listingOf(shape: Shape): { manifests: Map<Digest, Membership>; tags: Map<string, Digest> } {
  const manifests = new Map<Digest, Membership>();
  const tags = new Map<string, Digest>();
  for (let number = 0; number < shape.manifests; number++) {
    const digest = digestAt(number);
    const own = isReferrer(number, shape) ? undefined : false;
    manifests.set(digest, { mediaType: MANIFEST, size: sizeAt(number), own, pushed: EPOCH });
    if (own === false) tags.set(`v${number}`, digest);
  }
  return { manifests, tags };
}
