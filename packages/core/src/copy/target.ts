import type { Signal } from "../contract/environment.ts";
import { isOciStoreError, OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import type { ManifestBytes, PutManifestOptions } from "../store/session.ts";
import type { Copied } from "./events.ts";
import { batches, inParallel, type ParallelOptions } from "./parallel.ts";
import type { ReadableRepository, WritableRepository, WritableSession } from "./repositories.ts";
import { on } from "./side.ts";
import { isThere, type Source } from "./source.ts";

/** From this size on, a blob that broke off goes on where it was at the next try; below it, it is as quick to begin anew. */
const RESUMED = 1024 * 1024;

/** The destination, as a copy uses it. All errors say that they are its own, but for those of bytes that the source sent. */
export interface Target {
  /** Which of these blobs are there, and held from now on. */
  blobs(digests: readonly Digest[], o: ParallelOptions): Promise<ReadonlySet<Digest>>;
  /** Which of these are there as manifests, and held. That says nothing of what they name. */
  manifests(digests: readonly Digest[], o: ParallelOptions): Promise<ReadonlySet<Digest>>;
  /** Which of these could be had from the source without moving their bytes, and now are there. */
  mount(digests: readonly Digest[], o: ParallelOptions): Promise<ReadonlySet<Digest>>;
  putBlob(blob: Copied, onBytes: (bytes: number) => void, o: Signal): Promise<void>;
  putManifest(content: ManifestBytes, o: PutManifestOptions): Promise<void>;
}

/** The real one. */
export function sessionTarget(to: WritableRepository, session: WritableSession, source: Source): Target {
  const has = async (digests: readonly Digest[], from: string | undefined, o: Signal) => {
    const held = new Set<Digest>();
    for (const batch of batches(digests)) {
      const found = await on("destination", "look", (only) => session.has(batch, { ...only, from }), o);
      for (const digest of found) held.add(digest);
    }
    return held;
  };
  return {
    blobs: (digests, o) => has(digests, undefined, o),
    manifests: async (digests, o) => found(to, [...(await has(digests, undefined, o))], o),
    mount: async (digests, o) => {
      const { repository } = source;
      const shares = to.store !== undefined && to.store === repository.store && repository.name !== undefined;
      return shares ? has(digests, repository.name, o) : new Set();
    },
    putBlob: async ({ digest, size, mediaType }, onBytes, o) => {
      const resume = size !== undefined && size >= RESUMED;
      await on(
        "destination",
        "write",
        (only) => {
          const stream = (start: number) => counted(source.blob(digest, start, only), start, onBytes);
          return sentBySource(session.putBlob({ stream, digest, size, mediaType }, { ...only, resume }));
        },
        o,
      );
    },
    putManifest: async (content, o) => {
      await on("destination", "write", () => session.putManifest(content, o), o);
    },
  };
}

/** One that only looks. */
export function dryTarget(to: WritableRepository, source: Source): Target {
  const { blob } = to;
  if (!blob) throw new OciStoreError("UNSUPPORTED", "destination: it cannot be looked at without being changed");
  const readable = { blob: blob.bind(to) };
  const look = (repository: Pick<ReadableRepository, "blob">) => (digests: readonly Digest[], o: ParallelOptions) =>
    filtered(digests, o, (digest, inner) => on("destination", "look", () => isThere(repository, digest, inner), inner));
  return {
    blobs: look(readable),
    manifests: (digests, o) => found(to, digests, o),
    mount: async (digests, o) => {
      const shares = to.store !== undefined && to.store === source.repository.store;
      return shares ? look(source.repository)(digests, o) : new Set();
    },
    putBlob: async () => {},
    putManifest: async () => {},
  };
}

function found(to: WritableRepository, digests: readonly Digest[], o: ParallelOptions): Promise<ReadonlySet<Digest>> {
  return filtered(digests, o, async (digest, inner) => {
    try {
      return (await to.find(digest, inner)) !== undefined;
    } catch (error) {
      // It is there and cannot be read: writing it again mends it.
      if (isOciStoreError(error, "CORRUPT", "MANIFEST_INVALID", "MANIFEST_TOO_LARGE")) return false;
      throw await on("destination", "look", () => Promise.reject(error), inner).catch((reason: unknown) => reason);
    }
  });
}

async function filtered(
  digests: readonly Digest[],
  o: ParallelOptions,
  isIn: (digest: Digest, o: Signal) => Promise<boolean>,
): Promise<ReadonlySet<Digest>> {
  const inside = new Set<Digest>();
  await inParallel(digests, o, async (digest, inner) => {
    if (await isIn(digest, inner)) inside.add(digest);
  });
  return inside;
}

async function* counted(bytes: AsyncIterable<Uint8Array>, start: number, onBytes: (bytes: number) => void) {
  let sent = start;
  for await (const piece of bytes) {
    sent += piece.length;
    onBytes(sent);
    yield piece;
  }
}

/** The destination finds out that they are others, but it was the source that sent them. */
async function sentBySource<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isOciStoreError(error, "DIGEST_MISMATCH", "SIZE_MISMATCH") || error.data.side) throw error;
    const data = { ...error.data, side: "source", op: "read" } as const;
    throw new OciStoreError(error.code, `source: ${error.message}`, data, { cause: error });
  }
}
