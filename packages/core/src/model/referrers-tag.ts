import { algorithmOf, type Digest, encodedOf } from "./digest.ts";

const ALGORITHM_LONGEST = 32;
const ENCODED_LONGEST = 64;

/**
 * The tag under which clients without the referrers API keep the index of referrers of a digest.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema
 */
export function referrersTag(digest: Digest): string {
  const algorithm = algorithmOf(digest).slice(0, ALGORITHM_LONGEST);
  const encoded = encodedOf(digest).slice(0, ENCODED_LONGEST);
  return `${algorithm}-${encoded}`.replace(/[^a-zA-Z0-9._-]/g, "-");
}

/** A tag that is not a name somebody gave, but the machinery that finds what refers to a digest. */
export interface MachineryTag {
  /** `<algorithm>-<hex>`, the referrers tag of the digest, or its untruncated form. */
  readonly name: string;
  /** `signature` for the forms of cosign, which have a suffix. */
  readonly form: "referrers" | "signature";
}

// A truncated or a whole digest of each algorithm. The specification truncates; cosign does not.
const MACHINERY =
  /^(sha256-[0-9a-f]{64}|sha384-(?:[0-9a-f]{64}|[0-9a-f]{96})|sha512-(?:[0-9a-f]{64}|[0-9a-f]{128}))(\.(?:sig|att|sbom))?$/;

/** Undefined for every other tag. */
export function parseMachineryTag(tag: string): MachineryTag | undefined {
  const [, name, suffix] = MACHINERY.exec(tag) ?? [];
  return name === undefined ? undefined : { name, form: suffix === undefined ? "referrers" : "signature" };
}
