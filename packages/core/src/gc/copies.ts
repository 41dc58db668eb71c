import { recordOf } from "../catalog/record.ts";
import type { Arrival } from "../contract/catalog.ts";
import { randomId, type Signal } from "../contract/environment.ts";
import type { Bytes, Placement } from "../contract/placement.ts";
import { isOciStoreError } from "../errors.ts";
import { algorithmOf, createHasher, type Digest } from "../model/digest.ts";
import type { Edge } from "../model/edge.ts";
import { MANIFEST_LIMIT } from "../model/json.ts";
import { type Manifest, parseManifest } from "../model/manifest.ts";
import type { Parts } from "./parts.ts";

/** Where sound copies come from; a `Repository` is one. Nothing that it gives is believed before its digest is right. */
export interface CopySource {
  /** @throws `NOT_FOUND` if it is not there. */
  blob(digest: string, o?: Signal): Bytes;
}

type Wanted = Pick<Edge, "to" | "kind" | "mediaType">;

interface Fetched {
  readonly digest: Digest;
  readonly kind: Edge["kind"];
  readonly namedBy: Digest | undefined;
  /** Nobody has it otherwise. */
  readonly isThere: boolean;
}

/** What is fetched for a repair is claimed for so long, until it is recorded. */
const CLAIM = 60 * 60_000;

/** Whether these bytes are those of their digest; of bytes that cannot be read nobody knows. */
export async function soundness(
  { blobs }: Parts,
  placement: Placement,
  o: Signal,
): Promise<{ readonly isSound: boolean; readonly found?: Digest; readonly error?: unknown }> {
  const hasher = createHasher(algorithmOf(placement.digest));
  try {
    for await (const chunk of blobs.read(placement, o)) hasher.update(chunk);
  } catch (error) {
    o.signal?.throwIfAborted();
    return { isSound: false, error };
  }
  const found = hasher.digest();
  return { isSound: found === placement.digest, found };
}

/** Finds sound copies of what is damaged or missing: in the trash, and in the sources that were given. */
export class Copies {
  readonly #parts: Parts;
  readonly #sources: readonly CopySource[];
  readonly #o: Signal;
  readonly owner: string;

  constructor(parts: Parts, sources: readonly CopySource[], o: Signal) {
    this.#parts = parts;
    this.#sources = sources;
    this.#o = o;
    this.owner = `repair-${randomId(parts.env)}`;
  }

  get until(): number {
    return this.#parts.env.now() + CLAIM;
  }

  /** Uses a verified copy of these bytes, and forgets it if it came to nothing; `undefined` if nobody has one. */
  async with<T>(digest: Digest, work: (arrival: Arrival) => Promise<T>): Promise<T | undefined> {
    for await (const bytes of this.#candidates(digest)) {
      const upload = await this.#parts.blobs.upload(randomId(this.#parts.env), {
        ...this.#o,
        create: true,
        algorithm: algorithmOf(digest),
        digest,
        keep: false,
      });
      try {
        let placement: Placement;
        try {
          await upload.write(bytes, { ...this.#o, at: 0 });
          placement = await upload.commit(digest, this.#o);
        } catch (error) {
          // A source that fails, or has other bytes, is no source of this; a disk of ours that is full is another matter.
          this.#o.signal?.throwIfAborted();
          if (isOciStoreError(error, "NO_SPACE", "READ_ONLY", "PERMISSION")) throw error;
          continue;
        }
        return await work({ placement, publish: (o) => upload.publish(o) });
      } finally {
        await upload.abort();
      }
    }
    return undefined;
  }

  /** Whether somebody has a sound copy, and what it is if it is a manifest; reads it, and keeps none. */
  async look(digest: Digest, mediaType?: string): Promise<{ readonly manifest: Manifest | undefined } | undefined> {
    for await (const bytes of this.#candidates(digest)) {
      const hasher = createHasher(algorithmOf(digest));
      const kept: Uint8Array[] = [];
      let length = 0;
      try {
        for await (const piece of bytes) {
          hasher.update(piece);
          length += piece.length;
          if (length <= MANIFEST_LIMIT) kept.push(piece);
        }
      } catch {
        this.#o.signal?.throwIfAborted();
        continue;
      }
      if (hasher.digest() !== digest) continue;
      return { manifest: length > MANIFEST_LIMIT ? undefined : manifestOf(kept, mediaType) };
    }
    return undefined;
  }

  /**
   * Fetches what is missing, and of a manifest all that it needs below it first: nothing is recorded over what is not there.
   * Resolves with what was fetched, or would be in a dry run, and with what of it nobody has.
   */
  async fetch(
    repository: string,
    edge: Wanted,
    { dryRun, have }: { readonly dryRun?: boolean | undefined; readonly have: ReadonlyMap<Digest, unknown> },
  ): Promise<readonly Fetched[]> {
    const fetched: Fetched[] = [];
    const puts: Wanted[] = [];
    const queue: (Wanted & { readonly namedBy?: Digest })[] = [edge];
    const seen = new Set<Digest>();
    for (let next = 0; next < queue.length; next++) {
      const { to, kind, mediaType, namedBy } = queue[next]!;
      if (seen.has(to) || have.get(to) || (await this.#parts.catalog.locate(undefined, to, this.#o))) continue;
      seen.add(to);
      const look = dryRun ? await this.look(to, mediaType) : await this.#take(repository, to, mediaType);
      fetched.push({ digest: to, kind, namedBy, isThere: look !== undefined });
      if (!look) continue;
      if (kind !== "manifest") continue;
      puts.push({ to, kind, ...(mediaType && { mediaType }) });
      for (const below of look.manifest?.edges ?? []) {
        if (below.kind !== "subject" && below.kind !== "opaque" && !below.optional)
          queue.push({ ...below, namedBy: to });
      }
    }
    if (!dryRun) await this.#record(repository, puts.reverse());
    return fetched;
  }

  async #take(repository: string, digest: Digest, mediaType: string | undefined) {
    const { catalog } = this.#parts;
    const add = async (arrival: Arrival) => {
      await catalog.add(this.owner, repository, [arrival], { ...this.#o, until: this.until });
      return true;
    };
    if (!(await this.with(digest, add))) return undefined;
    return (await this.#stored(repository, digest, mediaType)) ?? { manifest: undefined };
  }

  /** Children first, and each only where it is whole by now. */
  async #record(repository: string, puts: readonly Wanted[]): Promise<void> {
    const { catalog, env } = this.#parts;
    for (const { to, mediaType } of puts) {
      const found = await this.#stored(repository, to, mediaType);
      if (!found) continue;
      const manifest = recordOf(found.manifest, found.placement, env.now());
      try {
        await catalog.change(repository, [{ do: "put", manifest }], this.#o);
      } catch (error) {
        if (!isOciStoreError(error, "MISSING_CONTENT", "SIZE_MISMATCH")) throw error;
      }
    }
  }

  async #stored(repository: string, digest: Digest, mediaType: string | undefined) {
    const placement = await this.#parts.catalog.locate(repository, digest, this.#o);
    if (!placement || placement.size > MANIFEST_LIMIT) return undefined;
    const kept: Uint8Array[] = [];
    for await (const piece of this.#parts.blobs.read(placement, this.#o)) kept.push(piece);
    const manifest = manifestOf(kept, mediaType);
    return manifest && { manifest, placement };
  }

  /** End the claims: what was fetched is named by now, or its grace begins. */
  async end(): Promise<void> {
    await this.#parts.catalog.release(this.owner);
  }

  async *#candidates(digest: Digest): AsyncGenerator<Bytes> {
    for await (const condemned of this.#parts.catalog.condemned(this.#o)) {
      if (condemned.digest === digest) yield this.#parts.blobs.read(condemned, this.#o);
    }
    for (const source of this.#sources) yield source.blob(digest, this.#o);
  }
}

function manifestOf(pieces: readonly Uint8Array[], mediaType: string | undefined): Manifest | undefined {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (!isOciStoreError(error)) throw error;
    return undefined;
  }
}
