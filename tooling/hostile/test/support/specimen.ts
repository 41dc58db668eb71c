import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { pax, tar } from "../../../../packages/backend-fs/test/support/tar-builder.ts";

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX = "application/vnd.oci.image.index.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar";
export const EMPTY = "application/vnd.oci.empty.v1+json";
const REF_NAME = "org.opencontainers.image.ref.name";
const LONG_AGO = new Date("2001-09-09");

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Fields = { readonly [key: string]: Json };

export const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** As it stands in a document, of content that need not be stored. */
export function described(content: string | Uint8Array, mediaType: string): Fields {
  return { mediaType, digest: sha256(content), size: Buffer.byteLength(content) };
}

export const GOOD_LAYER = "a good layer";
export const GARBAGE = "garbage";
export const GOOD: Fields = {
  schemaVersion: 2,
  mediaType: IMAGE,
  config: described("{}", EMPTY),
  layers: [described(GOOD_LAYER, LAYER)],
};

/** In memory where that can be had: what is written need not last, and there is no waiting for a disk. */
const HERE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A directory that goes when the test is done. */
async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(HERE, "ocistore-hostile-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/**
 * A layout as any tool might have written it, in memory: an image `good`, and a blob that nothing names. All of it is old. No
 * line of it is the project's own code, so that nothing is kept from being as bad as it can be.
 */
export class Specimen {
  readonly files = new Map<string, Uint8Array>();
  /** Of index.json. */
  readonly entries: Json[] = [];
  /** What is done to the directory at last, for what no tar file holds. */
  readonly deeds: ((directory: string) => Promise<unknown>)[] = [];

  constructor() {
    this.file("oci-layout", '{"imageLayoutVersion":"1.0.0"}');
    this.blob("{}");
    this.blob(GOOD_LAYER);
    this.blob(GARBAGE);
    this.list(this.json(GOOD, IMAGE), "good");
  }

  file(path: string, content: string | Uint8Array): this {
    this.files.set(path, Buffer.from(content));
    return this;
  }

  blob(content: string | Uint8Array, digest = sha256(content)): Fields {
    this.file(`blobs/${digest.replace(":", "/")}`, content);
    return { mediaType: LAYER, digest, size: Buffer.byteLength(content) };
  }

  json(value: Json, mediaType: string): Fields {
    return { ...this.blob(JSON.stringify(value)), mediaType };
  }

  list(entry: Fields, name?: string, annotations: Fields = {}): this {
    const all = { ...(name !== undefined && { [REF_NAME]: name }), ...annotations };
    this.entries.push(Object.keys(all).length > 0 ? { ...entry, annotations: all } : entry);
    return this;
  }

  /** An image like the good one, but for these fields, under the tag `evil`. */
  image(fields: Fields): this {
    return this.list(this.json({ ...GOOD, annotations: { n: String(this.files.size) }, ...fields }, IMAGE), "evil");
  }

  /** These bytes as a manifest under the tag `evil`. */
  manifest(content: string | Uint8Array, mediaType = IMAGE): this {
    return this.list({ ...this.blob(content), mediaType }, "evil");
  }

  async write(): Promise<string> {
    const directory = join(await temporary(), "store");
    for (const [path, content] of this.#all()) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
      await utimes(join(directory, path), LONG_AGO, LONG_AGO);
    }
    for (const deed of this.deeds) await deed(directory);
    return directory;
  }

  tar(): Uint8Array {
    const members = [...this.#all()].map(([name, content]) => ({ name, content }));
    return tar(...members.flatMap((each) => (each.name.length > 100 ? [pax({ path: each.name }), each] : [each])));
  }

  /** With an index.json of the entries, unless there is one already. */
  #all(): Map<string, Uint8Array> {
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: this.entries }));
    return new Map([["index.json", index], ...this.files]);
  }
}
