import { createHash } from "node:crypto";
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY = "application/vnd.oci.empty.v1+json";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Everything is older than any grace. */
const MADE = new Date("2024-01-01T00:00:00Z");

/** Writes a layout fast: file after file, nothing synced, which is for whoever measures to do before he begins. */
export class LayoutWriter {
  readonly #directory: string;
  readonly #blobs: string;
  readonly #written = new Set<string>();
  readonly #entries: object[] = [];

  constructor(directory: string) {
    this.#directory = directory;
    this.#blobs = join(directory, "blobs", "sha256");
    mkdirSync(this.#blobs, { recursive: true });
  }

  /** How many blobs lie there. */
  get count(): number {
    return this.#written.size;
  }

  blob(mediaType: string, bytes: Uint8Array): Descriptor {
    const hex = createHash("sha256").update(bytes).digest("hex");
    if (!this.#written.has(hex)) {
      const path = join(this.#blobs, hex);
      writeFileSync(path, bytes);
      utimesSync(path, MADE, MADE);
      this.#written.add(hex);
    }
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  json(mediaType: string, value: object): Descriptor {
    return this.blob(mediaType, Buffer.from(JSON.stringify(value)));
  }

  /** An image that runs nowhere, and is one for every tool. */
  image(name: string, layers: readonly Descriptor[]): Descriptor {
    const config = this.json(CONFIG, {
      architecture: "amd64",
      os: "linux",
      config: { Labels: { name } },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    });
    return this.json(IMAGE, { schemaVersion: 2, mediaType: IMAGE, config, layers });
  }

  index(manifests: readonly Descriptor[]): Descriptor {
    return this.json(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
  }

  referrer(subject: Descriptor, artifactType: string, payload: Descriptor): Descriptor {
    const config = this.blob(EMPTY, Buffer.from("{}"));
    return this.json(IMAGE, { schemaVersion: 2, mediaType: IMAGE, artifactType, config, layers: [payload], subject });
  }

  /** An entry of index.json, with a tag or without. */
  list(descriptor: Descriptor, tag?: string): void {
    const annotations = tag === undefined ? undefined : { "org.opencontainers.image.ref.name": tag };
    this.#entries.push({ ...descriptor, annotations });
  }

  end(): void {
    writeFileSync(join(this.#directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    writeFileSync(
      join(this.#directory, "index.json"),
      JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: this.#entries }),
    );
  }
}
