import { createHash } from "node:crypto";
import { join } from "node:path";
import { madeUp, writeMadeUp } from "./made-up.ts";
import { Random } from "./random.ts";
import { type Descriptor, LAYER, LayoutWriter } from "./writer.ts";

/** Images in a group: ten under one tagged index, ten with a tag each; three are signed. */
const GROUP = 20;
/** What a group adds to a layout: its images with their configs, an index, signatures with their payloads, and layers. */
const BLOBS_OF_GROUP = 2 * GROUP + 1 + 2 * 3 + 2;
/** A second tag on an image, with which nothing goes. */
export const TWIN = "twin";
const SIGNED = new Set([2, 12, 15]);
const WITH_A_LAYER = new Set([4, 14]);

export interface Shape {
  /** About so many; half of them manifests. */
  readonly blobs: number;
  readonly seed: number;
  /** The share of it that nothing in index.json leads to. */
  readonly garbage?: number;
}

export interface Made {
  /** A tag on an image that is signed and shares its layers. */
  readonly tag: string;
  readonly blobs: number;
  readonly manifests: number;
  /** How many files a collection leaves. */
  readonly live: number;
}

/** Images that share layers, in indexes and by themselves, some of them signed. Blobs are small: there are to be many. */
export function generate(directory: string, { blobs, seed, garbage = 0 }: Shape): Made {
  const random = new Random(seed);
  const writer = new LayoutWriter(directory);
  const layer = () => writer.blob(LAYER, gzipLike(random.bytes(300 + random.below(900))));
  const pool = Array.from({ length: Math.max(8, Math.floor(blobs / 200)) }, layer);
  const groups = Math.max(2, Math.round((blobs - pool.length) / BLOBS_OF_GROUP));
  const used = new Set<Descriptor>();
  const kept = groups - Math.round(groups * garbage);
  let live = 0;
  for (let group = 0; group < groups; group++) {
    const before = writer.count;
    const list = group < kept ? writer.list.bind(writer) : () => {};
    const images: Descriptor[] = [];
    for (let place = 0; place < GROUP; place++) {
      const layers = Array.from({ length: 4 }, () => pool[random.below(pool.length)]!);
      if (group < kept) for (const each of layers) used.add(each);
      if (WITH_A_LAYER.has(place)) layers.push(layer());
      images.push(writer.image(`${group}-${place}`, layers));
    }
    list(writer.index(images.slice(0, GROUP / 2)), `index-${group}`);
    for (const [place, image] of images.entries()) {
      if (place >= GROUP / 2) list(image, `image-${group}-${place}`);
      if (group === 0 && place === GROUP - 1) list(image, TWIN);
      if (!SIGNED.has(place)) continue;
      const payload = writer.json("application/vnd.example.payload+json", { signed: `${group}-${place}` });
      list(writer.referrer(image, "application/vnd.example.signature", payload));
    }
    if (group < kept) live += writer.count - before;
  }
  writer.end();
  const manifests = groups * (GROUP + 1 + SIGNED.size);
  return { tag: "image-1-15", blobs: writer.count, manifests, live: live + used.size };
}

/** One index of so many images with a layer each and two that all share. */
export function generateMany(directory: string, images: number, seed: number): Made {
  const random = new Random(seed);
  const writer = new LayoutWriter(directory);
  const layer = () => writer.blob(LAYER, gzipLike(random.bytes(300 + random.below(900))));
  const shared = [layer(), layer()];
  const manifests = Array.from({ length: images }, (_, number) => writer.image(`${number}`, [...shared, layer()]));
  writer.list(writer.index(manifests), "many");
  writer.end();
  return { tag: "many", blobs: writer.count, manifests: images + 1, live: writer.count };
}

/** One image of four layers that are so large together. */
export function generateLarge(directory: string, bytes: number): Made {
  const writer = new LayoutWriter(directory);
  const size = bytes / 4;
  const layers = Array.from({ length: 4 }, (_, number): Descriptor => {
    const first = 0x00088b1f + (number << 24);
    const digest = digestOfMadeUp(size, first);
    writeMadeUp(join(directory, "blobs", "sha256", digest.slice("sha256:".length)), size, first);
    return { mediaType: LAYER, digest, size };
  });
  writer.list(writer.image("large", layers), "large");
  writer.end();
  const blobs = writer.count + layers.length;
  return { tag: "large", blobs, manifests: 1, live: blobs };
}

export function digestOfMadeUp(size: number, first?: number): string {
  const hash = createHash("sha256");
  for (const piece of madeUp(size, first)) hash.update(piece);
  return `sha256:${hash.digest("hex")}`;
}

function gzipLike(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(0x00088b1f, 0);
  return bytes;
}
