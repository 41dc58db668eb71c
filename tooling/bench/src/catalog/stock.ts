import { type Descriptor, descriptorOf, MEDIA_TYPES } from "@ocistore/core";

/** What a made-up store with a catalog holds. */
export interface Stock {
  /** About so many manifests that live: of ten, nine are images and one is the tagged index over them. */
  readonly manifests: number;
  /** Tagged images that are there to be deleted. */
  readonly targets: number;
  /** Images whose tag has gone. */
  readonly dead: number;
}

/** What is stored, in the order in which it is pushed. */
export interface Item {
  readonly bytes: Uint8Array;
  readonly descriptor: Descriptor;
  readonly isManifest: boolean;
  readonly tag?: string;
  /** Its tag has gone since. */
  readonly isDead?: boolean;
  /** A measured operation takes its file away. */
  readonly isTouched: boolean;
}

const GROUP = 10;
/** Of a target and of what is dead; with its config and itself an image is ten blobs. */
const OWN_LAYERS = 8;

export const targetOf = (number: number): string => `target-${number}`;
export const FIRST_TAG = "index-0";

/** Small documents, each with its number in it; every digest is that of its bytes. */
export function* itemsOf({ manifests, targets, dead }: Stock): Generator<Item> {
  const pool = Array.from({ length: Math.max(8, Math.round(manifests / 50)) }, (_, at) => blob(`shared ${at}`, LAYER));
  yield* pool;
  for (let group = 0; group < Math.ceil(manifests / GROUP); group++) {
    const images: Descriptor[] = [];
    for (let at = 1; at < GROUP; at++) {
      const number = group * GROUP + at;
      const config = blob(`config ${number}`, CONFIG);
      const [first, second] = [number, number * 31 + 7].map((place) => pool[place % pool.length]!.descriptor);
      const layers = first === second ? [first!] : [first!, second!];
      const image = manifest({ mediaType: MEDIA_TYPES.imageManifest, config: config.descriptor, layers });
      yield config;
      yield image;
      images.push(image.descriptor);
    }
    yield { ...manifest({ mediaType: MEDIA_TYPES.imageIndex, manifests: images }), tag: `index-${group}` };
  }
  for (let number = 0; number < targets; number++) yield* tenBlobs(targetOf(number), false);
  for (let number = 0; number < dead; number++) yield* tenBlobs(`dead-${number}`, true);
}

function* tenBlobs(tag: string, isDead: boolean): Generator<Item> {
  const isTouched = true;
  const config = blob(`config of ${tag}`, CONFIG);
  const layers = Array.from({ length: OWN_LAYERS }, (_, at) => blob(`layer ${at} of ${tag}`, LAYER));
  for (const each of [config, ...layers]) yield { ...each, isTouched };
  const image = manifest({
    mediaType: MEDIA_TYPES.imageManifest,
    config: config.descriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  });
  yield { ...image, isTouched, tag, isDead };
}

const CONFIG = MEDIA_TYPES.imageConfig;
const LAYER = MEDIA_TYPES.layerGzip;

function blob(text: string, mediaType: string): Item {
  const bytes = Buffer.from(text);
  return { bytes, descriptor: descriptorOf(bytes, mediaType), isManifest: false, isTouched: false };
}

function manifest(content: { readonly mediaType: string } & Record<string, unknown>): Item {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...content }));
  return { bytes, descriptor: descriptorOf(bytes, content.mediaType), isManifest: true, isTouched: false };
}
