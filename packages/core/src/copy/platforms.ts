import { OciStoreError } from "../errors.ts";
import { type Descriptor, descriptorOf, formatPlatform, type Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { quoted } from "../model/escape.ts";
import { field, isJsonObject, parseJson } from "../model/json.ts";
import { parseManifest } from "../model/manifest.ts";

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

/** What is the same is written in two ways: without a variant, arm64 is v8, and amd64 v1. */
const IMPLIED: ReadonlyMap<string, string> = new Map([
  ["arm64", "v8"],
  ["amd64", "v1"],
]);

/** Whether an image for `has` is one for `wanted`; what `wanted` does not say may be anything. */
export function matches(has: Platform | undefined, wanted: Platform): boolean {
  if (!has || has.os !== wanted.os || has.architecture !== wanted.architecture) return false;
  const variant = has.variant || IMPLIED.get(has.architecture);
  if (wanted.variant && wanted.variant !== variant) return false;
  return !wanted["os.version"] || wanted["os.version"] === has["os.version"];
}

/** The children for these platforms, in their order; for each platform there has to be one. @throws `NOT_FOUND`. */
export function childrenFor(manifests: readonly Descriptor[], platforms: readonly Platform[]): readonly Descriptor[] {
  for (const wanted of platforms) {
    if (!manifests.some(({ platform }) => matches(platform, wanted))) throw noSuchPlatform(wanted, manifests);
  }
  return manifests.filter(({ platform }) => platforms.some((wanted) => matches(platform, wanted)));
}

export function noSuchPlatform(wanted: Platform, there: readonly Pick<Descriptor, "platform">[]): OciStoreError {
  const names = new Set(there.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : [])));
  names.delete("unknown/unknown");
  const found = names.size > 0 ? `, but ${[...names].join(", ")}` : "";
  const data = { reference: formatPlatform(wanted), side: "source", op: "select" } as const;
  return new OciStoreError("NOT_FOUND", `source: nothing for ${formatPlatform(wanted)}${found}`, data);
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
