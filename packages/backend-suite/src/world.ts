import {
  type CondemnItem,
  type Descriptor,
  type Digest,
  descriptorOf,
  type ManifestRecord,
  type Ms,
  type Packed,
  type Placement,
  packIndex,
  packManifest,
  randomId,
  recordOf,
  type Signal,
  type Upload,
} from "@ocistore/core";
import { all, gather, pieces, utf8 } from "./bytes.ts";
import type { ManualEnvironment } from "./environment.ts";
import type { Declaration, Harness, Pair } from "./harness.ts";

export const HOUR: Ms = 60 * 60_000;

export interface Image {
  readonly digest: Digest;
  readonly record: ManifestRecord;
  readonly descriptor: Descriptor;
  readonly config: Placement | undefined;
  readonly layers: readonly Placement[];
  /** The manifest, and the blobs that were made for it. */
  readonly items: readonly CondemnItem[];
}

interface At {
  readonly repository?: string;
  readonly owner?: string;
}

/** What a rule is tried on: an empty store, its clock, and the steps that most rules begin with. */
export class World implements Pair {
  readonly env: ManualEnvironment;
  readonly harness: Harness;
  readonly declared: Declaration;
  readonly blobs: Pair["blobs"];
  readonly catalog: Pair["catalog"];
  /** The repository that most rules work in. */
  readonly repository: string;

  constructor(env: ManualEnvironment, harness: Harness, declared: Declaration, pair: Pair = harness) {
    this.env = env;
    this.harness = harness;
    this.declared = declared;
    this.blobs = pair.blobs;
    this.catalog = pair.catalog;
    this.repository = declared.catalog.repositories ? "team/app" : "";
  }

  /** The same store through another pair. */
  through(pair: Pair): World {
    return new World(this.env, this.harness, this.declared, pair);
  }

  /** An upload with these bytes in it. */
  async sent(bytes: Uint8Array, o: { readonly algorithm?: string } = {}): Promise<Upload> {
    const upload = await this.blobs.upload(randomId(this.env), { create: true, ...o });
    await upload.write(pieces(bytes), { at: 0 });
    return upload;
  }

  /** Bytes that lie there and that the catalog has not been told of. */
  async orphan(bytes: Uint8Array): Promise<Placement> {
    const upload = await this.sent(bytes);
    const placement = await upload.commit(undefined);
    await upload.publish();
    return placement;
  }

  /** Stores a blob and leaves it claimed by `owner`. */
  async store(bytes: Uint8Array | string, { repository = this.repository, owner = "pusher" }: At = {}) {
    const upload = await this.sent(typeof bytes === "string" ? utf8(bytes) : bytes);
    const placement = await upload.commit(undefined);
    const publish = (o?: Signal) => upload.publish(o);
    await this.catalog.add(owner, repository, [{ placement, publish }], { until: this.env.now() + HOUR });
    // If the bytes were in use before, the copy that was there stays the one, and this one was for nothing.
    const used = await this.catalog.locate(repository, placement.digest);
    if (!used || used.generation === placement.generation) return placement;
    await this.erase([placement]);
    return { ...placement, generation: used.generation };
  }

  /** Records a manifest whose content is stored; its claim stays. */
  async put(packed: Packed, o: At & { readonly tags?: readonly string[]; readonly sparse?: boolean } = {}) {
    const { repository = this.repository, tags = [], sparse = false } = o;
    const record = recordOf(packed.manifest, await this.store(packed.bytes, o), this.env.now());
    await this.catalog.change(repository, [
      { do: "put", manifest: record, sparse },
      ...tags.map((name) => ({ do: "tag", name, to: record.digest }) as const),
    ]);
    return record;
  }

  /** Pushes an image of one config and one layer, or of these layers, and ends the claims. */
  async image(
    name: string,
    o: At & { tags?: readonly string[]; layers?: readonly Placement[]; subject?: Descriptor } = {},
  ): Promise<Image> {
    const owner = o.owner ?? "pusher";
    const config = await this.store(`config of ${name}`, { ...o, owner });
    const made = o.layers ? [] : [await this.store(`layer of ${name}`, { ...o, owner })];
    const layers = o.layers ?? made;
    const packed = packManifest({
      config: asDescriptor(config, "application/vnd.test.config.v1+json"),
      layers: layers.map((layer) => asDescriptor(layer, "application/vnd.test.layer")),
      ...(o.subject && { subject: o.subject }),
    });
    const record = await this.put(packed, { ...o, owner });
    await this.catalog.release(owner);
    const items = [item(record, "manifest"), ...[config, ...made].map((blob) => item(blob, "blob"))];
    return { digest: record.digest, record, descriptor: packed.descriptor, config, layers, items };
  }

  /** Pushes an index over these images, and ends the claims. */
  async index(children: readonly Image[], o: At & { tags?: readonly string[]; sparse?: boolean } = {}): Promise<Image> {
    const owner = o.owner ?? "pusher";
    const packed = packIndex({ manifests: children.map(({ descriptor }) => descriptor) });
    const record = await this.put(packed, { ...o, owner });
    await this.catalog.release(owner);
    const items = [item(record, "manifest")];
    return { digest: record.digest, record, descriptor: packed.descriptor, config: undefined, layers: [], items };
  }

  /** Takes an image out of its repository, so that nothing keeps it; its bytes are not condemned yet. */
  async removed(name: string, o: { readonly run?: string; readonly layers?: readonly Placement[] } = {}) {
    const image = await this.image(name, { tags: [`to-remove-${name}`], ...(o.layers && { layers: o.layers }) });
    const { run = "run" } = o;
    await this.catalog.change(this.repository, [{ do: "remove", manifest: image.digest }], { run });
    return image;
  }

  /** The same, and condemned. */
  async condemned(name: string, o: { readonly run?: string; readonly until?: Ms } = {}): Promise<Image> {
    const image = await this.removed(name, o);
    await this.condemn(image.items, o);
    return image;
  }

  condemn(
    items: readonly CondemnItem[],
    o: { readonly run?: string; readonly until?: Ms; readonly before?: Ms; readonly epoch?: number } = {},
  ): Promise<readonly Digest[]> {
    return this.catalog.condemn(items, { run: "run", until: this.env.now(), ...o });
  }

  /** Purges, and says which digests went in which order: one list for each time that `erase` was called. */
  async purge(o: { due?: Ms; limit?: number; run?: string; epoch?: number; during?: () => Promise<void> } = {}) {
    const { during, ...options } = o;
    const batches: Digest[][] = [];
    const { purged, revived } = await this.catalog.purge(
      async (placements) => {
        batches.push(placements.map(({ digest }) => digest));
        await during?.();
        return this.erase(placements);
      },
      { due: this.env.now(), limit: 1000, ...options },
    );
    return { purged: purged.map(({ digest }) => digest), revived, batches };
  }

  async erase(placements: readonly Placement[]): Promise<Digest[]> {
    const gone: Digest[] = [];
    for await (const { placement, error } of this.blobs.delete(placements)) {
      if (error !== undefined) throw error;
      gone.push(placement.digest);
    }
    return gone;
  }

  /** The digests of all bytes that lie there. */
  async stored(): Promise<Digest[]> {
    return (await all(this.blobs.list())).map(({ digest }) => digest);
  }

  /** The bytes of what the catalog knows. */
  async bytes(digest: Digest, o: { readonly repository: string | undefined } = this): Promise<Uint8Array | undefined> {
    const located = await this.catalog.locate(o.repository, digest);
    return located && gather(this.blobs.read(located));
  }

  async condemnedDigests(): Promise<Digest[]> {
    return (await all(this.catalog.condemned())).map(({ digest }) => digest);
  }
}

export function item({ digest, size, generation }: Placement, kind: CondemnItem["kind"]): CondemnItem {
  return { digest, size, generation, kind };
}

export function asDescriptor({ digest, size }: Placement, mediaType: string): Descriptor {
  return { mediaType, digest, size };
}

/** A descriptor of content that is stored nowhere. */
export function elsewhere(text: string, mediaType = "application/vnd.test.layer"): Descriptor {
  return descriptorOf(utf8(text), mediaType);
}
