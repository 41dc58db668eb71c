import { OciStoreError } from "../errors.ts";
import { type Digest, isDigest, parseDigest } from "./digest.ts";
import { quoted } from "./escape.ts";

const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const REF_NAME = /^[A-Za-z0-9]+(?:(?:--|[-._:@+/])[A-Za-z0-9]+)*$/;
const REF_NAME_LONGEST = 512;
const DIGEST_PREFIX = /^sha(?:256|384|512):/i;

/**
 * Whether a registry would take it as a tag.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
 */
export function isTag(text: string): boolean {
  return typeof text === "string" && TAG.test(text);
}

/** @throws `REFERENCE_INVALID` */
export function parseTag(text: string): string {
  if (!isTag(text)) throw notValid(text, "a tag");
  return text;
}

/**
 * Whether it can be the name of a tag in an image layout: the grammar of `org.opencontainers.image.ref.name`, which has
 * slashes and colons, or a tag of a registry, which may have underscores and dots where that grammar has none. At most 512
 * characters, and never a digest.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/annotations.md#pre-defined-annotation-keys
 */
export function isRefName(text: string): boolean {
  if (typeof text !== "string" || text.length > REF_NAME_LONGEST || isDigest(text)) return false;
  return TAG.test(text) || REF_NAME.test(text);
}

/** @throws `REFERENCE_INVALID` */
export function parseRefName(text: string): string {
  if (!isRefName(text)) throw notValid(text, "a reference");
  return text;
}

/** What a reference points at: a manifest by its digest, or by the name of a tag. */
export type Target = { readonly digest: Digest } | { readonly tag: string };

/**
 * Reads a digest or the name of a tag. What starts like a digest and is not one is an error and not a tag, so that a slip of
 * the pen does not name something else.
 *
 * @throws `DIGEST_INVALID`
 * @throws `REFERENCE_INVALID`
 *
 * @example
 * parseTarget("app:v1"); // { tag: "app:v1" }
 */
export function parseTarget(text: string): Target {
  if (DIGEST_PREFIX.test(text)) return { digest: parseDigest(text) };
  return { tag: parseRefName(text) };
}

function notValid(text: string, what: string): OciStoreError {
  return new OciStoreError("REFERENCE_INVALID", `not ${what}: ${quoted(String(text))}`, { reference: String(text) });
}
