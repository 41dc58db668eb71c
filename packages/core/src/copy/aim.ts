import type { Signal } from "../contract/environment.ts";
import type { Descriptor, Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { field, isJsonObject, parseJson } from "../model/json.ts";
import type { Manifest } from "../model/manifest.ts";
import { isImageConfigType } from "../model/media-types.ts";
import type { Reference } from "../store/repository.ts";
import { childFor, childrenFor, narrowed, noSuchPlatform, parsePlatformName, withAttestations } from "./platforms.ts";
import { on, sided } from "./side.ts";
import type { Source } from "./source.ts";
import { fitness } from "./variants.ts";

/** What a copy begins with. */
export interface Aim {
  readonly descriptor: Descriptor;
  /** Of its children only these are copied; all unless given. */
  readonly keep?: ReadonlySet<Digest>;
}

export interface AimOptions extends Signal {
  readonly platforms?: readonly (string | Platform)[] | undefined;
  readonly sparse?: boolean | undefined;
}

/** What a reference is on, and of an index what is wanted of it. */
export async function aimAt(source: Source, reference: Reference, o: AimOptions): Promise<Aim> {
  const descriptor = await source.resolve(reference, o);
  const platforms = (o.platforms ?? []).map((each) => (typeof each === "string" ? parsePlatformName(each) : each));
  const [first] = platforms;
  if (!first) return { descriptor };
  const { manifest, bytes } = await source.manifest(descriptor, "by source", o);
  if (manifest.kind !== "index") {
    const there = await platformOf(source, manifest, o);
    const missing = platforms.find((wanted) => fitness(there, wanted) === undefined);
    if (missing) throw sided(noSuchPlatform(missing, there ? [{ platform: there }] : []), "source", "select");
    return { descriptor };
  }
  const select = <T>(work: () => T) => on("source", "select", async () => work(), o);
  if (platforms.length === 1 && !o.sparse)
    return { descriptor: bare(await select(() => childFor(manifest.manifests, first))) };
  const chosen = await select(() => childrenFor(manifest.manifests, platforms));
  const keep = withAttestations(manifest.manifests, chosen);
  if (o.sparse) return { descriptor, keep };
  if (manifest.manifests.every(({ digest }) => keep.has(digest))) return { descriptor };
  const made = narrowed(bytes, manifest.mediaType, keep);
  source.keep(made.bytes, made.descriptor);
  return { descriptor: made.descriptor };
}

/** What an image runs on, as its config says. */
async function platformOf(source: Source, { config }: Manifest, o: Signal): Promise<Platform | undefined> {
  if (!config || !isImageConfigType(config.mediaType)) return undefined;
  const json = parseJson(await source.config(config, o));
  if (!isJsonObject(json)) return undefined;
  const read = (name: string) => {
    const value = field(json, name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [os, architecture, variant, version] = ["os", "architecture", "variant", "os.version"].map(read);
  if (!os || !architecture) return undefined;
  return { os, architecture, ...(variant && { variant }), ...(version && { "os.version": version }) };
}

function bare({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
