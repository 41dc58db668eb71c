import type { Signal } from "../contract/environment.ts";
import type { Bytes } from "../contract/placement.ts";
import { isOciStoreError, OciStoreError } from "../errors.ts";
import { type Descriptor, isMediaType } from "../model/descriptor.ts";
import { algorithmOf, type DigestAlgorithm, digestOf, parseDigest } from "../model/digest.ts";
import { quoted } from "../model/escape.ts";
import { MANIFEST_LIMIT } from "../model/json.ts";
import { type Manifest, parseManifest } from "../model/manifest.ts";
import { isManifestType } from "../model/media-types.ts";
import { parseTarget } from "../model/reference.ts";
import type { Reference } from "../store/repository.ts";
import { gathered } from "../store/verified.ts";
import type { ReadableRepository } from "./repositories.ts";
import { listed, on, sided } from "./side.ts";

/** Manifests are read before anything is copied, and written after; so many bytes of them are kept in between. */
const KEPT = 32 * 1024 * 1024;

/** How many links a copy follows at most, unless told. */
const LIMIT = 1_000_000;

export interface Read {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
}

/** The source of a copy, none of whose answers is believed. All of its errors say that they are the source's. */
export class Source {
  readonly repository: ReadableRepository;
  readonly #kept = new Map<string, Uint8Array>();
  #room = KEPT;
  readonly #limit: number;
  #counted = 0;

  constructor(repository: ReadableRepository, limit = LIMIT) {
    this.repository = repository;
    this.#limit = limit;
  }

  /** The bare descriptor of what a reference is on. */
  async resolve(reference: Reference, o: Signal): Promise<Descriptor> {
    const expected = typeof reference === "string" ? parseTarget(reference) : { digest: parseDigest(reference.digest) };
    return on(
      "source",
      "resolve",
      async (only) => {
        const found = checked(await this.repository.resolve(reference, only));
        if ("digest" in expected && found.digest !== expected.digest) {
          const message = `${expected.digest} was asked for, and ${found.digest} is the answer`;
          throw new OciStoreError("DIGEST_MISMATCH", message, { digest: expected.digest });
        }
        return found;
      },
      o,
    );
  }

  /**
   * Reads a manifest, and checks it.
   *
   * @param said Where the descriptor is from: the source says so, or a manifest that has been checked.
   */
  async manifest(descriptor: Descriptor, said: "by source" | "by manifest", o: Signal): Promise<Read> {
    const bytes = await this.bytes(descriptor, o);
    return on(
      "source",
      "read",
      async () => {
        const manifest = parseManifest(bytes, descriptor.mediaType);
        if (said === "by source") mustBeAsSaid(manifest, bytes, descriptor);
        return { manifest, bytes };
      },
      o,
    );
  }

  /** The bytes of a manifest, checked; kept for the next time if there is room. */
  async bytes(descriptor: Descriptor, o: Signal): Promise<Uint8Array> {
    const { digest, size } = descriptor;
    const kept = this.#kept.get(digest);
    if (kept && kept.length === size) return kept;
    return on(
      "source",
      "read",
      async (only) => {
        if (size > MANIFEST_LIMIT) throw tooLarge(descriptor);
        const { mediaType } = descriptor;
        const bytes = await this.repository.bytes({ mediaType, digest, size }, { ...only, limit: MANIFEST_LIMIT });
        mustBe(bytes, descriptor);
        if (bytes.length <= this.#room) {
          this.#room -= bytes.length;
          this.#kept.set(digest, bytes);
        }
        return bytes;
      },
      o,
    );
  }

  /** Keeps bytes that no source has, because they have just been made. */
  keep(bytes: Uint8Array, { digest }: Descriptor): void {
    this.#kept.set(digest, bytes);
  }

  /** A small blob, checked. */
  async config(descriptor: Descriptor, o: Signal): Promise<Uint8Array> {
    return on(
      "source",
      "read",
      async (only) => {
        if (descriptor.size > MANIFEST_LIMIT) throw tooLarge(descriptor);
        const bytes = await gathered(upTo(descriptor.size, this.repository.blob(descriptor, only)));
        mustBe(bytes, descriptor);
        return bytes;
      },
      o,
    );
  }

  /** Whether a blob is there. */
  async hasBlob(blob: Reference, o: Signal): Promise<boolean> {
    return on("source", "look", (only) => isThere(this.repository, blob, only), o);
  }

  /** The bytes of a blob from `start`, for a session that checks them; their failure is the source's. */
  async *blob(blob: Reference, start: number, { signal }: Signal): Bytes {
    try {
      // Whole, a local source can check them too.
      for await (const piece of this.repository.blob(blob, start === 0 ? { signal } : { signal, start })) {
        if (!(piece instanceof Uint8Array)) throw new TypeError("what came are no bytes");
        yield piece;
      }
    } catch (error) {
      throw sided(error, "source", "read", { signal });
    }
  }

  async *referrers(subject: Descriptor, o: Signal): AsyncGenerator<Descriptor> {
    for await (const each of listed(
      "source",
      "list referrers",
      (only) => this.repository.referrers(subject, only),
      o,
    )) {
      this.count();
      yield await on("source", "list referrers", async () => checked(each), o);
    }
  }

  /** The manifests that name it, as far as the source can tell. */
  async *predecessors(descriptor: Descriptor, o: Signal): AsyncGenerator<Descriptor> {
    const { repository } = this;
    if (!repository.predecessors) {
      yield* this.referrers(descriptor, o);
      return;
    }
    const found = await on(
      "source",
      "list predecessors",
      async (only) => repository.predecessors!(descriptor, only),
      o,
    );
    for (const each of found) {
      this.count();
      yield await on("source", "list predecessors", async () => checked(each), o);
    }
  }

  /** The names of the tags. */
  async *tags(o: Signal): AsyncGenerator<string> {
    for await (const { name } of listed("source", "list tags", (only) => this.repository.tags(only), o)) {
      this.count();
      const target = await on("source", "list tags", async () => parseTarget(name), o);
      if ("tag" in target) yield target.tag;
    }
  }

  /** One link more is followed. What never ends is not followed for ever. */
  count(links = 1): void {
    this.#counted += links;
    if (this.#counted <= this.#limit) return;
    const data = { expected: this.#limit, side: "source", op: "follow" } as const;
    throw new OciStoreError("LIMIT_EXCEEDED", `source: more than ${this.#limit} links to follow`, data);
  }
}

/** Of bytes that never end only one more than there should be. */
async function* upTo(size: number, bytes: Bytes): Bytes {
  let read = 0;
  for await (const piece of bytes) {
    read += piece.length;
    yield piece;
    if (read > size) return;
  }
}

/** Whether a blob is there, without reading it. */
export async function isThere(
  repository: Pick<ReadableRepository, "blob">,
  blob: Reference,
  o: Signal,
): Promise<boolean> {
  try {
    for await (const _ of repository.blob(blob, { ...o, start: 0, end: 0 })) break;
    return true;
  } catch (error) {
    if (isOciStoreError(error, "NOT_FOUND")) return false;
    throw error;
  }
}

/** Of what somebody else says only what can be checked: type, digest, size. */
function checked({ mediaType, digest, size }: Descriptor): Descriptor {
  if (!isMediaType(mediaType)) throw invalid(`${quoted(String(mediaType))} is not a media type`);
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`${quoted(String(size))} is no size`);
  return { mediaType, digest: parseDigest(digest), size };
}

function mustBe(bytes: Uint8Array, { digest, size }: Descriptor): void {
  if (!(bytes instanceof Uint8Array)) throw invalid(`what came for ${digest} are no bytes`);
  if (bytes.length !== size) {
    const data = { digest, expected: size, actual: bytes.length };
    throw new OciStoreError("SIZE_MISMATCH", `${digest} has ${bytes.length} bytes, not ${size}`, data);
  }
  const found = digestOf(bytes, algorithmOf(digest) as DigestAlgorithm);
  if (found !== digest) throw new OciStoreError("DIGEST_MISMATCH", `the bytes of ${digest} are ${found}`, { digest });
}

/** A document that need not say what it is must not pass for something of a type nobody knows: its content would be left. */
function mustBeAsSaid(manifest: Manifest, bytes: Uint8Array, { mediaType, digest }: Descriptor): void {
  if (manifest.kind !== "opaque") return;
  const itself = parseManifest(bytes).mediaType;
  if (isManifestType(itself)) throw invalid(`${digest} came as ${mediaType} and is ${itself}`);
}

function tooLarge({ digest, size }: Descriptor): OciStoreError {
  const data = { digest, expected: MANIFEST_LIMIT, actual: size };
  return new OciStoreError("MANIFEST_TOO_LARGE", `${digest} is said to have ${size} bytes`, data);
}

function invalid(message: string): OciStoreError {
  return new OciStoreError("MANIFEST_INVALID", message);
}
