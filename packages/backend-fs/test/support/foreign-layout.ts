import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Digest } from "@ocistore/core";
import { onTestFinished } from "vitest";

export const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
export const LAYER = "application/vnd.oci.image.layer.v1.tar";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const REF_NAME = "org.opencontainers.image.ref.name";

export interface Described {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** A directory that goes when the test is done. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "ocistore-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A layout as another tool would write it: plain files, no lock, nothing of ours. */
export class ForeignLayout {
  readonly directory: string;
  readonly entries: unknown[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<ForeignLayout> {
    const directory = join(await temporaryDirectory(), "layout");
    await mkdir(join(directory, "blobs/sha256"), { recursive: true });
    await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const layout = new ForeignLayout(directory);
    await layout.writeIndex();
    return layout;
  }

  path(digest: string): string {
    return join(this.directory, "blobs", ...digest.split(":"));
  }

  async blob(content: string | Uint8Array, mediaType = LAYER): Promise<Described> {
    const bytes = Buffer.from(content);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as Digest;
    await writeFile(this.path(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }

  json(value: object, mediaType: string): Promise<Described> {
    return this.blob(JSON.stringify(value), mediaType);
  }

  /** An image of its own config and one layer, unless layers are given. */
  async image(
    name: string,
    o: { layers?: Described[]; subject?: Described; artifactType?: string } = {},
  ): Promise<Described> {
    const config = await this.json({ architecture: "amd64", os: "linux", name }, CONFIG);
    const layers = o.layers ?? [await this.blob(`layer of ${name}`)];
    const { subject, artifactType } = o;
    return this.json({ schemaVersion: 2, mediaType: IMAGE, artifactType, config, layers, subject }, IMAGE);
  }

  index(manifests: readonly Described[], more: object = {}): Promise<Described> {
    return this.json({ schemaVersion: 2, mediaType: INDEX, manifests, ...more }, INDEX);
  }

  list(described: Described, name?: string, more: object = {}): this {
    this.entries.push({ ...described, ...more, ...(name !== undefined && { annotations: { [REF_NAME]: name } }) });
    return this;
  }

  async writeIndex(more: object = {}): Promise<void> {
    const json = { schemaVersion: 2, ...more, manifests: this.entries };
    await writeFile(join(this.directory, "index.json"), JSON.stringify(json));
  }

  async readIndex(): Promise<{
    manifests: { digest: string; annotations?: Record<string, string> }[];
    [key: string]: unknown;
  }> {
    return JSON.parse(await readFile(join(this.directory, "index.json"), "utf8"));
  }

  /** The entries of index.json in their order, as `name` or `<first eight digits>`. */
  async listed(): Promise<string[]> {
    const { manifests } = await this.readIndex();
    return manifests.map(({ digest, annotations }) => annotations?.[REF_NAME] ?? short(digest));
  }

  async blobs(): Promise<Set<string>> {
    return new Set((await readdir(join(this.directory, "blobs/sha256"))).map((name) => `sha256:${name}`));
  }

  /** Makes everything so old that no grace protects it. */
  async age(ms = 48 * 60 * 60_000): Promise<void> {
    const then = new Date(Date.now() - ms);
    for (const digest of await this.blobs()) await utimes(this.path(digest), then, then);
  }
}

export function short(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 8);
}

/** Every file of a directory, with its bytes and its times: equal before and after means that nothing was written. */
export async function snapshot(directory: string): Promise<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const name of (await readdir(directory, { recursive: true })).sort()) {
    const path = join(directory, name);
    const { mtimeMs, ctimeMs, mode } = await stat(path);
    const isFile = (await stat(path)).isFile();
    const content = isFile
      ? createHash("sha256")
          .update(await readFile(path))
          .digest("hex")
      : "directory";
    result[name] = [content, mtimeMs, ctimeMs, mode].join(" ");
  }
  return result;
}
