import { createHash } from "node:crypto";
import type { Digest } from "@ocistore/core";
import { writeAll } from "../../src/files/durable.ts";
import type { FileSystem } from "../../src/files/file-system.ts";
import type { Paths } from "../../src/layout/paths.ts";
import { bytes as encoded, text } from "./bytes.ts";
import { type Described, IMAGE, LAYER } from "./foreign-layout.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

export interface Entry extends Described {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Another tool on the same layout: plain file calls, no lock, index.json written over in place. */
export class ForeignTool {
  readonly #fs: FileSystem;
  readonly #paths: Paths;

  constructor(fs: FileSystem, paths: Paths) {
    this.#fs = fs;
    this.#paths = paths;
  }

  async has(digest: Digest): Promise<boolean> {
    return (await this.#fs.lstat(this.#paths.blob(digest))) !== undefined;
  }

  async blob(content: string | Uint8Array, mediaType = LAYER): Promise<Described> {
    const bytes = typeof content === "string" ? encoded(content) : content;
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
    await this.#fs.mkdir(this.#paths.algorithm("sha256"));
    await this.overwrite(this.#paths.blob(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  image(config: Described, layers: readonly Described[]): Promise<Described> {
    return this.blob(JSON.stringify({ schemaVersion: 2, mediaType: IMAGE, config, layers }), IMAGE);
  }

  async readIndex(): Promise<Entry[]> {
    return JSON.parse((await text(this.#fs, this.#paths.index))!).manifests;
  }

  async writeIndex(manifests: readonly Entry[]): Promise<void> {
    await this.overwrite(this.#paths.index, encoded(JSON.stringify({ schemaVersion: 2, manifests })));
  }

  /** As `open(O_TRUNC)` and `write` do, which others may see half-way. */
  async overwrite(path: string, bytes: Uint8Array): Promise<void> {
    const isThere = await this.#fs.lstat(path);
    const handle = await this.#fs.open(path, isThere ? "r+" : "wx");
    await handle.truncate(0);
    await writeAll(handle, bytes, 0);
    await handle.close();
  }
}

export function tagged(described: Described, name: string): Entry {
  return { ...described, annotations: { [REF_NAME]: name } };
}
