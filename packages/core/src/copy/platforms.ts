import { OciStoreError } from "../errors.ts";
import { type Descriptor, descriptorOf, formatPlatform, type Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { quoted } from "../model/escape.ts";
import { field, isJsonObject, parseJson } from "../model/json.ts";
import { parseManifest } from "../model/manifest.ts";
import { fitness } from "./variants.ts";

const NAME = /^([a-z0-9_.-]+)\/([a-z0-9_.-]+)(?:\/([a-z0-9_.-]+))?(?::([a-zA-Z0-9_.-]+))?$/;

/**
 * Reads a platform as people write it: `os/architecture`, then perhaps `/variant`, then perhaps `:version` of the system.
 *
 * @throws TypeError
 *
 * @example
 * parsePlatformName("linux/arm/v7"); // { os: "linux", architecture: "arm", variant: "v7" }
 */
export function parsePlatformName(text: string): Platform {
  const [, os, architecture, variant, version] = NAME.exec(text) ?? [];
  if (os === undefined || architecture === undefined) {
    throw new TypeError(`${quoted(String(text))} is no platform: write os/architecture, as linux/amd64`);
  }
  return { os, architecture, ...(variant && { variant }), ...(version && { "os.version": version }) };
}

/**
 * For each platform the children that fit it best, in the order of the index: the exact variant, then the ones that run there
 * too ({@link fitness}). They are several only where nothing tells which is meant, as versions of Windows.
 *
 * @throws `NOT_FOUND` if there is none for one of them.
 */
export function childrenFor(manifests: readonly Descriptor[], platforms: readonly Platform[]): readonly Descriptor[] {
  const chosen = new Set(platforms.flatMap((wanted) => bestFor(manifests, wanted)));
  return manifests.filter((child) => chosen.has(child));
}

/** The one child that fits best. @throws `NOT_FOUND`, and `AMBIGUOUS` if there are several. */
export function childFor(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const best = bestFor(manifests, wanted);
  const digests = [...new Set(best.map(({ digest }) => digest))];
  if (digests.length === 1) return best[0]!;
  const names = best.map(({ platform }) => nameOf(platform!));
  const isTold = new Set(names).size === digests.length;
  const found = best.map(({ digest }, at) => (isTold ? names[at] : `${names[at]} ${digest}`));
  const message = `several are for ${nameOf(wanted)}: ${found.join(", ")}`;
  throw new OciStoreError("AMBIGUOUS", message, { reference: nameOf(wanted), digests });
}

function bestFor(manifests: readonly Descriptor[], wanted: Platform): readonly Descriptor[] {
  const fits = manifests.flatMap((child) => {
    const fit = fitness(child.platform, wanted);
    return fit === undefined ? [] : { child, fit };
  });
  if (fits.length === 0) throw noSuchPlatform(wanted, manifests);
  const best = fits.reduce((least, { fit }) => Math.min(least, fit), Number.POSITIVE_INFINITY);
  return fits.filter(({ fit }) => fit === best).map(({ child }) => child);
}

/** As {@link parsePlatformName} reads it. */
function nameOf(platform: Platform): string {
  const version = platform["os.version"];
  return `${formatPlatform(platform)}${version ? `:${version}` : ""}`;
}

export function noSuchPlatform(wanted: Platform, there: readonly Pick<Descriptor, "platform">[]): OciStoreError {
  const names = new Set(there.flatMap(({ platform }) => (platform ? [nameOf(platform)] : [])));
  names.delete("unknown/unknown");
  const found = names.size > 0 ? `, but ${[...names].join(", ")}` : "";
  return new OciStoreError("NOT_FOUND", `nothing for ${nameOf(wanted)}${found}`, { reference: nameOf(wanted) });
}

/** How BuildKit says of what a manifest of an index is the attestation. */
const ATTESTED = "vnd.docker.reference.digest";

/** The digests of the chosen children, and of what attests to them. */
export function withAttestations(manifests: readonly Descriptor[], chosen: readonly Descriptor[]): ReadonlySet<Digest> {
  const digests = new Set(chosen.map(({ digest }) => digest));
  const attest = manifests.filter(({ annotations }) => digests.has((annotations?.[ATTESTED] ?? "") as Digest));
  return new Set([...digests, ...attest.map(({ digest }) => digest)]);
}

/** The same index with only these children: every other field, and what each child is said to be, stays as it is. */
export function narrowed(
  bytes: Uint8Array,
  mediaType: string,
  keep: ReadonlySet<Digest>,
): { readonly bytes: Uint8Array; readonly descriptor: Descriptor } {
  const json = parseJson(bytes);
  const manifests = isJsonObject(json) ? field(json, "manifests") : undefined;
  if (!isJsonObject(json) || !Array.isArray(manifests)) throw new TypeError("not an index");
  const kept = manifests.filter((child) => isJsonObject(child) && keep.has(field(child, "digest") as Digest));
  const made = new TextEncoder().encode(JSON.stringify({ ...json, manifests: kept }));
  parseManifest(made, mediaType);
  return { bytes: made, descriptor: descriptorOf(made, mediaType) };
}
