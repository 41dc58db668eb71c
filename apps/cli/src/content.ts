import {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  type Edge,
  field,
  formatPlatform,
  type GraphReader,
  isImageConfigType,
  isIndexType,
  isJsonObject,
  MANIFEST_LIMIT,
  type Manifest,
  ManifestMemory,
  type ManifestRecord,
  MEDIA_TYPES,
  manifestNode,
  OciStoreError,
  type Placement,
  type Platform,
  parseJson,
  parseManifest,
  type Store,
} from "@ocistore/core";

/** Of a memory that is filled once. */
const STAMP = 0;

/** What a manifest is, for people. */
export type Kind = "index" | "image" | "artifact" | "manifest" | "unreadable" | "missing";

/** What a manifest is; what it names is {@link Content.edgesOf}. */
export type ManifestFacts = Omit<ManifestRecord, "edges" | "annotations">;

/** What is stored, as one moment has it: who is what, who names whom. Reads manifests, and of blobs only configs. */
export class Content {
  readonly #store: Store;
  readonly #signal: AbortSignal;
  readonly graph: GraphReader;
  /** Every manifest that can be read. */
  readonly records = new Map<Digest, ManifestFacts>();
  readonly #memory = new ManifestMemory();
  /** Why each of the others cannot. */
  readonly unreadable = new Map<Digest, string>();
  readonly tags = new Map<string, Digest>();
  readonly #names = new Map<Digest, string[]>();
  readonly #platforms = new Map<Digest, readonly string[]>();

  private constructor(store: Store, graph: GraphReader, signal: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
    this.graph = graph;
  }

  /** @param o.edges Without them there is neither {@link edgesOf} nor {@link sizeOf}, and less to keep in mind. */
  static async load(
    store: Store,
    signal: AbortSignal,
    o: { readonly edges: boolean } = { edges: true },
  ): Promise<Content> {
    const content = new Content(store, await store.parts.catalog.graph({ signal }), signal);
    for await (const { digest, record } of content.graph.manifests()) {
      signal.throwIfAborted();
      const { size, generation, mediaType, artifactType, pushed } = record;
      content.records.set(digest, { digest, size, generation, mediaType, artifactType, pushed });
      if (o.edges) content.#memory.remember(record, STAMP);
    }
    for await (const { digest, error } of content.graph.unreadable()) {
      content.unreadable.set(digest, error instanceof Error ? error.message : String(error));
    }
    for await (const { name, digest } of store.repository().tags({ signal })) {
      content.tags.set(name, digest);
      const names = content.#names.get(digest);
      if (names) names.push(name);
      else content.#names.set(digest, [name]);
    }
    return content;
  }

  tagsOf(digest: Digest): readonly string[] {
    return this.#names.get(digest) ?? [];
  }

  /** What a manifest names; nothing if it cannot be read, or is none. */
  edgesOf(digest: Digest): readonly Edge[] {
    const row = this.#memory.find(digest, STAMP, undefined);
    return row === undefined ? [] : this.#memory.edges(row);
  }

  kindOf(digest: Digest): Kind {
    const record = this.records.get(digest);
    if (!record) return this.unreadable.has(digest) ? "unreadable" : "missing";
    const { mediaType, artifactType } = record;
    if (isIndexType(mediaType)) return "index";
    if (mediaType === MEDIA_TYPES.artifactManifest) return "artifact";
    if (mediaType !== MEDIA_TYPES.imageManifest && mediaType !== MEDIA_TYPES.dockerManifest) return "manifest";
    return artifactType === undefined || isImageConfigType(artifactType) ? "image" : "artifact";
  }

  /** Bytes of a manifest and all that it names, its subject left aside, each digest once; as the manifests say. */
  sizeOf(digest: Digest): number {
    const sizes = new Map<Digest, number>([[digest, this.records.get(digest)?.size ?? 0]]);
    for (const at of sizes.keys()) {
      for (const { to, kind, size } of this.edgesOf(at)) {
        if (kind !== "subject" && !sizes.has(to)) sizes.set(to, this.records.get(to)?.size ?? size ?? 0);
      }
    }
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  /** A manifest with all its fields; `undefined` if it cannot be read. */
  async manifest(digest: Digest): Promise<Manifest | undefined> {
    const record = this.records.get(digest);
    return record && parseManifest(await this.#read(record), record.mediaType);
  }

  /** What an image runs on; of an index, what its children run on. */
  async platformsOf(digest: Digest): Promise<readonly string[]> {
    const known = this.#platforms.get(digest) ?? (await this.#platformsOf(digest));
    this.#platforms.set(digest, known);
    return known;
  }

  async #platformsOf(digest: Digest): Promise<readonly string[]> {
    const manifest = await this.manifest(digest);
    if (!manifest) return [];
    if (manifest.kind === "index") {
      return [...new Set(manifest.manifests.flatMap(({ platform }) => platformName(platform)))];
    }
    const { config } = manifest;
    if (!config || !isImageConfigType(config.mediaType)) return [];
    try {
      const located = await this.graph.locate(undefined, config.digest, { signal: this.#signal });
      return located ? platformIn(await this.#read(located)) : [];
    } catch (error) {
      // A config that is damaged is for fsck to report; here it only says nothing.
      if (this.#signal.aborted) throw error;
      return [];
    }
  }

  async #read(placement: Placement): Promise<Uint8Array> {
    const { digest, size } = placement;
    if (size > MANIFEST_LIMIT) throw new OciStoreError("MANIFEST_TOO_LARGE", `${digest} has ${size} bytes`, { digest });
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#store.parts.blobs.read(placement, { signal: this.#signal })) chunks.push(chunk);
    const bytes = new Uint8Array(Buffer.concat(chunks));
    const found = digestOf(bytes, algorithmOf(digest) as DigestAlgorithm);
    if (found !== digest) throw new OciStoreError("CORRUPT", `the bytes under ${digest} are ${found}`, { digest });
    return bytes;
  }

  /** The stored referrers, in the order of their digests. */
  async referrersOf(digest: Digest): Promise<Digest[]> {
    return (await this.graph.referrers(manifestNode("", digest))).map((node) => node.digest).sort();
  }

  async isStored(digest: Digest): Promise<boolean> {
    if (this.records.has(digest) || this.unreadable.has(digest)) return true;
    return (await this.graph.locate(undefined, digest, { signal: this.#signal })) !== undefined;
  }
}

/** Attestations of BuildKit stand in an index as `unknown/unknown`, and run nowhere. */
export function platformName(platform: Platform | undefined): string[] {
  return !platform || platform.os === "unknown" ? [] : [formatPlatform(platform)];
}

function platformIn(config: Uint8Array): string[] {
  const json = parseJson(config);
  if (!isJsonObject(json)) return [];
  const [os, architecture, variant] = ["os", "architecture", "variant"].map((name) => field(json, name));
  if (typeof os !== "string" || typeof architecture !== "string") return [];
  return platformName({ os, architecture, ...(typeof variant === "string" && variant !== "" && { variant }) });
}
