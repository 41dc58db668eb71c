import {
  algorithmOf,
  type CellFacts,
  type Digest,
  type DigestAlgorithm,
  type Draft,
  digestOf,
  type Environment,
  isDigest,
  isManifestType,
  isOciStoreError,
  type Located,
  type Looked,
  MANIFEST_LIMIT,
  type ManifestRecord,
  type Ms,
  OciStoreError,
  type Placement,
  parseManifest,
  recordOf,
  type Signal,
} from "@ocistore/core";
import { lookAtAll } from "../files/bulk.ts";
import { SMALL_FILE } from "../files/bulk-thread.ts";
import type { FileStat, FileSystem } from "../files/file-system.ts";
import { regular } from "../files/listing.ts";
import { readChunks, readWhole } from "../files/read.ts";
import { DAMAGED } from "./index-document.ts";
import { type Paths, trashGeneration } from "./paths.ts";

type Asked = Signal & { readonly mediaType?: string | undefined; readonly probe?: "manifest" | "mentions" | undefined };

/** What a look at a file has found. */
type Seen = Located & {
  readonly stamp: number;
  /** Read with the look, until somebody has made something of them. */
  bytes?: Uint8Array | undefined;
};

/** Manifests of at most so many bytes are read with the first look at them, a wave of them at a time. */
const AT_ONCE = 16 * 1024;

/** So many edges of manifests that were read are kept at hand, all together. */
const AT_HAND = 50_000;

/** A plain layout's record of what is stored is the disk itself. */
export class LayoutFacts implements CellFacts {
  readonly membership = "listed";
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #env: Environment;
  /** What was read last, and under which stamp. Good for as long as the file does not change, since content never does. */
  readonly #records = new Map<Digest, { readonly record: ManifestRecord; readonly stamp: number }>();
  /** Known to be no manifests. */
  readonly #plain = new Set<Digest>();
  #edgesAtHand = 0;
  /** What one command has seen to be there. It asks of each manifest again and again, and all its answers may be of one moment. */
  readonly #seen = new WeakMap<Draft, Map<Digest, Seen>>();

  constructor(fs: FileSystem, paths: Paths, env: Environment) {
    this.#fs = fs;
    this.#paths = paths;
    this.#env = env;
  }

  async locate(draft: Draft, digest: Digest, { signal }: Signal = {}): Promise<Located | undefined> {
    signal?.throwIfAborted();
    const seen = this.#seen.get(draft)?.get(digest);
    const found = seen?.generation === "" ? seen : await this.#look({ digest, size: 0, generation: "" });
    // The time of the file follows when a loss has been written down, and may not have done so.
    if (found) return located(found, Math.max(found.since, draft.lost.get(digest) ?? 0));
    // Brought back by this very draft, it is in use; the file follows when the draft takes effect.
    const before = draft.condemned.has(digest) ? undefined : draft.base.condemned.get(digest);
    const inTrash = before && (await this.#look(before));
    return inTrash && { ...located(inTrash, inTrash.since), generation: "" };
  }

  async glances(
    draft: Draft,
    _repository: string,
    digests: readonly Digest[],
    { signal, isUnread = () => false }: Signal & { readonly isUnread?: ((at: number) => boolean) | undefined } = {},
  ): Promise<readonly Looked[]> {
    signal?.throwIfAborted();
    const seen = this.#seenBy(draft);
    const unseen = [...digests.keys()].filter((at) => !seen.has(digests[at]!) && isDigest(digests[at]!));
    const [read, unread] = [false, true].map((is) =>
      unseen.filter((at) => isUnread(at) === is).map((at) => digests[at]!),
    ) as [Digest[], Digest[]];
    await Promise.all([this.#lookAt(seen, read), this.#lookAt(seen, unread, { limit: AT_ONCE })]);
    const looks: (Looked | undefined)[] = digests.map((digest) => {
      const glance = seen.get(digest);
      return glance && { glance };
    });
    const look = async (at: number) => {
      looks[at] = await this.#lookOnce(draft, digests[at]!).then(lookedAt, failedAt);
    };
    await Promise.all([...looks.keys()].filter((at) => !looks[at]).map(look));
    return looks as Looked[];
  }

  async #lookAt(
    seen: Map<Digest, Seen>,
    digests: readonly Digest[],
    o: { readonly limit?: number } = {},
  ): Promise<void> {
    const paths = digests.map((digest) => this.#paths.blob(digest));
    for (const [place, found] of (await lookAtAll(this.#fs, paths, o)).entries()) {
      if (found?.stat.kind !== "file") continue;
      const digest = digests[place]!;
      seen.set(digest, this.#seenAs({ digest, size: 0, generation: "" }, found.stat, found.bytes));
    }
  }

  async record(draft: Draft, _repository: string, digest: Digest, o: Asked = {}): Promise<ManifestRecord | undefined> {
    o.signal?.throwIfAborted();
    const seen = this.#seen.get(draft)?.get(digest) ?? (await this.#lookOnce(draft, digest));
    if (!seen) return undefined;
    const { generation, since, stamp, bytes } = seen;
    const known = this.#records.get(digest);
    if (known?.stamp === stamp && isAsSaid(known.record, o)) {
      return asked({ ...known.record, generation, pushed: since }, o);
    }
    const record = await this.#read(seen, o);
    // What is read together with many others is remembered by whoever asks for many.
    if (record && !bytes) this.#keepAtHand(record, stamp);
    return record && asked(record, o);
  }

  condemnedPlace(placement: Placement, run: string, kind: "manifest" | "blob"): Placement {
    return { ...placement, generation: trashGeneration(run, kind) };
  }

  #keepAtHand(record: ManifestRecord, stamp: number): void {
    this.#forget(record.digest);
    this.#records.set(record.digest, { record, stamp });
    this.#edgesAtHand += record.edges.length + 1;
    // A map gives its keys in the order in which they came.
    for (const [digest] of this.#records) {
      if (this.#edgesAtHand <= AT_HAND) return;
      this.#forget(digest);
    }
  }

  #forget(digest: Digest): void {
    const known = this.#records.get(digest);
    if (!known) return;
    this.#records.delete(digest);
    this.#edgesAtHand -= known.record.edges.length + 1;
  }

  #seenBy(draft: Draft): Map<Digest, Seen> {
    const known = this.#seen.get(draft);
    if (known) return known;
    const seen = new Map<Digest, Seen>();
    this.#seen.set(draft, seen);
    return seen;
  }

  async #lookOnce(draft: Draft, digest: Digest): Promise<Seen | undefined> {
    const seen = this.#seenBy(draft);
    const before = seen.get(digest);
    if (before) return before;
    const condemned = draft.base.condemned.get(digest) ?? draft.condemned.get(digest);
    const inUse = await this.#look({ digest, size: 0, generation: "" });
    const located = inUse ?? (condemned && (await this.#look(condemned)));
    if (located) seen.set(digest, located);
    return located;
  }

  async #look({ digest, size, generation }: Placement): Promise<Seen | undefined> {
    if (!isDigest(digest)) return undefined;
    const stat = await regular(this.#fs, this.#paths.placed({ digest, size, generation }));
    return stat && this.#seenAs({ digest, size, generation }, stat);
  }

  #seenAs({ digest, generation }: Placement, stat: FileStat, bytes?: Uint8Array): Seen {
    const since = Math.min(stat.modified, this.#env.now());
    return { digest, size: stat.size, generation, since, stamp: stampOf(stat), bytes };
  }

  async #read(located: Seen, { mediaType, probe, signal }: Asked): Promise<ManifestRecord | undefined> {
    const { digest, size, since, bytes: known } = located;
    located.bytes = undefined;
    const path = this.#paths.placed(located);
    const isSaidToBe = mediaType !== undefined && (isManifestType(mediaType) || mediaType === DAMAGED);
    // What is small is read at once: it has to be read whole in most cases, whatever it is.
    const small = known ?? (size <= SMALL_FILE ? await readWhole(this.#fs, path, MANIFEST_LIMIT) : undefined);
    const beginning = isSaidToBe
      ? "json"
      : small
        ? (beginningOf(small) ?? "plain")
        : await this.#beginning(path, signal);
    const isPlain = beginning !== "json";
    if (isPlain && probe) {
      if (probe === "mentions" && beginning === "plain") await this.#mustBePlain(located, path, small);
      return undefined;
    }
    if (size > MANIFEST_LIMIT) {
      // Too long for a manifest. What is shorter may be one whose beginning is damaged, so it has to be read even if it is plain.
      if (isPlain) {
        return recordOf(parseManifest(new Uint8Array(), mediaType ?? "application/octet-stream"), located, since);
      }
      if (probe) return undefined;
      const data = { digest, expected: MANIFEST_LIMIT, actual: size };
      throw new OciStoreError("MANIFEST_TOO_LARGE", `${digest} is said to be a manifest and has ${size} bytes`, data);
    }
    const bytes = small ?? (await readWhole(this.#fs, path, MANIFEST_LIMIT));
    if (!bytes) return undefined;
    const found = digestOf(bytes, algorithmOf(digest) as DigestAlgorithm);
    if (found !== digest)
      throw new OciStoreError("CORRUPT", `the bytes under ${digest} are ${found}`, { digest, path });
    try {
      const manifest = parseManifest(bytes, mediaType === DAMAGED ? undefined : mediaType);
      return recordOf(manifest, located, since);
    } catch (error) {
      if (probe && isOciStoreError(error, "MANIFEST_INVALID", "UNSUPPORTED")) return undefined;
      throw error;
    }
  }

  /**
   * A pin and a claim do not say what they are on. It may be a manifest whose beginning a power failure has taken, and then
   * nobody knows what it names. What has once been seen to be what its digest says is so for good.
   *
   * @throws `CORRUPT`
   */
  async #mustBePlain({ digest, size }: Located, path: string, known: Uint8Array | undefined): Promise<void> {
    if (size > MANIFEST_LIMIT || this.#plain.has(digest)) return;
    const bytes = known ?? (await readWhole(this.#fs, path, MANIFEST_LIMIT));
    if (!bytes) return;
    const found = digestOf(bytes, algorithmOf(digest) as DigestAlgorithm);
    if (found !== digest)
      throw new OciStoreError("CORRUPT", `the bytes under ${digest} are ${found}`, { digest, path });
    if (this.#plain.size === AT_HAND) this.#plain.clear();
    this.#plain.add(digest);
  }

  async #beginning(path: string, signal: AbortSignal | undefined): Promise<Beginning> {
    for await (const chunk of readChunks(this.#fs, path, { signal, chunkSize: 512 })) {
      const beginning = beginningOf(chunk);
      if (beginning !== undefined) return beginning;
    }
    return "plain";
  }
}

/** `packed`: a compressed layer, which no accident makes of a manifest. */
type Beginning = "json" | "packed" | "plain";

/** `undefined` if there are no other bytes than such as may stand before any. */
function beginningOf(bytes: Uint8Array): Beginning | undefined {
  if (PACKED.some((magic) => magic.every((byte, at) => bytes[at] === byte))) return "packed";
  const first = bytes.find((byte) => !WHITESPACE.has(byte));
  // A byte order mark may stand before JSON; that is not JSON as it should be, but no layer either.
  return first === undefined ? undefined : first === 0x7b || first === 0x5b || first === 0xef ? "json" : "plain";
}

const lookedAt = (glance: Seen | undefined): Looked => ({ glance });
const failedAt = (error: unknown): Looked => ({ error });

function located({ digest, size, generation }: Placement, since: Ms): Located {
  return { digest, size, generation, since };
}

/** A number that changes when another file takes the name, or this one is written to. */
function stampOf({ size, modified, identity }: FileStat): number {
  const text = `${identity} ${size} ${modified}`;
  let high = 0x811c9dc5;
  let low = 0x2f0b4f69;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x5bd1e995);
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

/** How gzip, zstd, xz and bzip2 begin. */
const PACKED: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0xfd, 0x37, 0x7a, 0x58],
  [0x42, 0x5a, 0x68],
];

const WHITESPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Any JSON may lie where one only probes: a config, say. It counts if it is a manifest, or mentions what it may need. */
function asked(record: ManifestRecord, { mediaType, probe }: Asked): ManifestRecord | undefined {
  if (!probe || (mediaType !== undefined && isManifestType(mediaType)) || isManifestType(record.mediaType))
    return record;
  return probe === "mentions" && record.edges.length > 0 ? record : undefined;
}

/** One digest may be named under two media types; a record is of the one it was read as. */
function isAsSaid({ mediaType: known }: ManifestRecord, { mediaType }: Asked): boolean {
  return mediaType === undefined || mediaType.toLowerCase() === known;
}
