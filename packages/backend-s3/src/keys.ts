import { algorithmOf, type Digest, encodedOf, isDigest, type Placement } from "@ocistore/core";

type Place = Pick<Placement, "digest" | "generation">;

/** Where things lie in the bucket: `blobs/<algorithm>/<encoded>/<generation>`, and under `uploads/<id>/` what is on its way in. */
export class Keys {
  readonly #prefix: string;

  /** @param prefix Of every key; a `/` is put behind it. */
  constructor(prefix: string) {
    this.#prefix = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  }

  get blobs(): string {
    return `${this.#prefix}blobs/`;
  }

  get uploads(): string {
    return `${this.#prefix}uploads/`;
  }

  blob({ digest, generation }: Place): string {
    return `${this.blobs}${algorithmOf(digest)}/${encodedOf(digest)}/${generation}`;
  }

  /** What is not named like a blob is not ours to judge. */
  placeOf(key: string): Place | undefined {
    if (!key.startsWith(this.blobs)) return undefined;
    const [algorithm, encoded, generation, ...rest] = key.slice(this.blobs.length).split("/");
    const digest = `${algorithm}:${encoded}`;
    if (!isDigest(digest) || !generation || rest.length > 0) return undefined;
    return { digest: digest as Digest, generation };
  }

  aside(place: Place): string {
    return `${this.#prefix}aside/${this.blob(place).slice(this.blobs.length)}`;
  }

  /** What an upload is, and where its parts go. */
  record(id: string): string {
    return `${this.uploads}${encodeURIComponent(id)}/record`;
  }

  /** What it has beyond its parts. */
  tail(id: string): string {
    return `${this.uploads}${encodeURIComponent(id)}/tail`;
  }

  /** All of it, where its digest is not known before its end. */
  data(id: string): string {
    return `${this.uploads}${encodeURIComponent(id)}/data`;
  }

  /** The upload whose record this is. */
  uploadOf(key: string): string | undefined {
    const [, id] = /^([^/]+)\/record$/.exec(key.slice(this.uploads.length)) ?? [];
    return id === undefined ? undefined : decodeURIComponent(id);
  }
}
