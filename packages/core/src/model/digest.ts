import { createHash, hash } from "node:crypto";
import { OciStoreError } from "../errors.ts";

/**
 * A digest whose grammar has been checked: `algorithm:encoded`. A string, so that it can be a key, be compared with `===`
 * and be written to JSON; branded, so that only {@link parseDigest} and the functions beside it make one. Nothing else
 * may become part of a path.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
 */
export type Digest = string & { readonly __digest: unique symbol };

/** The algorithms whose content can be stored. */
export type DigestAlgorithm = "sha256" | "sha384" | "sha512";

const HEX_LENGTH: ReadonlyMap<string, number> = new Map([
  ["sha256", 64],
  ["sha384", 96],
  ["sha512", 128],
]);

export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ["sha256", "sha384", "sha512"];

const LONGEST = 256;
const GRAMMAR = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-zA-Z0-9=_-]+)$/;
const HEX = /^[0-9a-f]+$/;
/** What nearly all are; a store asks of hundreds of thousands. */
const SHA256 = /^sha256:[0-9a-f]{64}$/;

/**
 * Checks a digest that names content to be stored or read.
 *
 * @throws `DIGEST_INVALID` if the grammar is broken, the algorithm is not one of {@link DIGEST_ALGORITHMS}, or the encoded
 * part is not lower-case hex of the algorithm's length.
 */
export function parseDigest(text: string): Digest {
  const reason = faultOf(text, false);
  if (reason) throw new OciStoreError("DIGEST_INVALID", `${reason}: ${shown(text)}`, { digest: String(text) });
  return text as Digest;
}

/**
 * Checks a digest inside a descriptor, where the specification lets algorithms stand that a reader does not know. Content
 * under such a digest can never be stored here, so it is always absent.
 *
 * @throws `DIGEST_INVALID`
 */
export function parseForeignDigest(text: string): Digest {
  const reason = faultOf(text, true);
  if (reason) throw new OciStoreError("DIGEST_INVALID", `${reason}: ${shown(text)}`, { digest: String(text) });
  return text as Digest;
}

/** Whether {@link parseDigest} would take it. */
export function isDigest(text: string): text is Digest {
  return faultOf(text, false) === undefined;
}

function faultOf(text: string, anyAlgorithm: boolean): string | undefined {
  if (typeof text !== "string") return "a digest is a string";
  if (SHA256.test(text)) return undefined;
  if (text.length > LONGEST) return "a digest this long is not valid";
  const [, algorithm, encoded] = GRAMMAR.exec(text) ?? [];
  if (algorithm === undefined || encoded === undefined) return "not a digest";
  const length = HEX_LENGTH.get(algorithm);
  if (length === undefined) return anyAlgorithm ? undefined : `digest algorithm ${algorithm} is not supported`;
  if (encoded.length !== length || !HEX.test(encoded))
    return `a ${algorithm} digest has ${length} lower-case hex digits`;
  return undefined;
}

function shown(text: unknown): string {
  const quoted = JSON.stringify(String(text));
  return quoted.length > 200 ? `${quoted.slice(0, 200)}…` : quoted;
}

/** The part before the colon. */
export function algorithmOf(digest: Digest): string {
  return digest.slice(0, digest.indexOf(":"));
}

/** The part after the colon: hex, for every algorithm that can be stored. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** A hash that is fed piece by piece. */
export interface Hasher {
  readonly algorithm: string;
  update(chunk: Uint8Array): void;
  /** Ends the hash; call it once. */
  digest(): Digest;
}

/** @throws `DIGEST_INVALID` if the algorithm is not supported. */
export function createHasher(algorithm: string = "sha256"): Hasher {
  if (!HEX_LENGTH.has(algorithm)) throw notSupported(algorithm);
  const hasher = createHash(algorithm);
  return {
    algorithm,
    update: (chunk) => void hasher.update(chunk),
    digest: () => `${algorithm}:${hasher.digest("hex")}` as Digest,
  };
}

function notSupported(algorithm: string): OciStoreError {
  return new OciStoreError("DIGEST_INVALID", `digest algorithm ${shown(algorithm)} is not supported`);
}

/** The digest of bytes that are all at hand. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  if (!HEX_LENGTH.has(algorithm)) throw notSupported(algorithm);
  return `${algorithm}:${hash(algorithm, bytes, "hex")}` as Digest;
}
