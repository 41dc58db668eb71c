import {
  type Bytes,
  type Digest,
  isOciStoreError,
  type Ms,
  randomId,
  type Signal,
  type Store,
  verified,
} from "@ocistore/core";
import type { FileSystem } from "../files/file-system.ts";
import { nodeFileSystem } from "../files/node-file-system.ts";
import { END, membersOf, type OutgoingMember, sizeOf } from "./members.ts";
import { type Selection, type SelectOptions, type Start, select, startOf } from "./selection.ts";
import { padded } from "./tar-header.ts";
import { writeWhole } from "./write-whole.ts";

export interface ExportOptions extends SelectOptions {
  /** The repository; the one without a name unless given. */
  readonly repository?: string | undefined;
  /**
   * Whether what is exported is claimed in the store for as long as that takes. `true`: the store must be open for writing.
   * `false`: nothing is written there; a deletion elsewhere can then make the export fail (`NOT_FOUND`), and never make it
   * wrong. Unless given: where the store lets us.
   */
  readonly hold?: boolean | undefined;
}

/** What an archive will have in it. */
export interface ArchiveSummary {
  /** Bytes of the archive. */
  readonly size: number;
  /** The names in its index.json. */
  readonly tags: readonly string[];
  readonly manifests: number;
  readonly blobs: number;
  /** Whether it was claimed in the store. */
  readonly isHeld: boolean;
}

export interface OutgoingArchive extends ArchiveSummary {
  /**
   * Exactly `size` bytes, each checked against its digest while it passes.
   *
   * @throws `CORRUPT` or `NOT_FOUND` if the store turns out damaged; what has come until then is no archive.
   */
  bytes(o?: Signal): Bytes;
}

/** How long a claim of an export holds without being renewed. */
const CLAIM: Ms = 60 * 60_000;

/**
 * Makes a tar archive of an image layout, and gives it to `work` as a stream whose length is known. The same content makes
 * the same bytes, whatever store it comes from: sorted, and with no times, owners or modes of its own.
 *
 * While `work` runs, what is exported is claimed in the store, so that no collection takes it; see {@link ExportOptions.hold}.
 *
 * @throws `NOT_FOUND` if a reference names nothing; `MISSING_CONTENT` unless `sparse`; `CORRUPT`; `READ_ONLY` and
 * `PERMISSION` with `hold: true`.
 *
 * @example
 * await exportArchive(store, { references: ["v1"], referrers: true }, async ({ bytes }) => {
 *   for await (const piece of bytes()) await socket.send(piece);
 * });
 */
export async function exportArchive<T>(
  store: Store,
  o: ExportOptions,
  work: (archive: OutgoingArchive) => Promise<T>,
): Promise<T> {
  const hold = new Hold(store, o);
  try {
    const selection = await selectAndHold(store, o, hold);
    const members = membersOf(selection);
    const archive: OutgoingArchive = {
      size: sizeOf(members),
      tags: selection.entries.flatMap(({ name }) => (name === undefined ? [] : [name])),
      manifests: selection.manifests.length,
      blobs: selection.blobs.length,
      isHeld: hold.isTaken,
      bytes: (options = {}) => tarBytes(store, members, hold, { ...o, ...options }),
    };
    const result = await work(archive);
    await hold.end();
    return result;
  } catch (error) {
    // The failure of the work is the one to report; a claim that could not be ended runs out by itself.
    await hold.end().catch(() => {});
    throw error;
  }
}

/**
 * {@link exportArchive} into a file. It appears whole and durable under its name, in place of what was there, or not at all.
 *
 * @param o.onBytes Told how many bytes have been written, of how many.
 * @throws `LAYOUT_INVALID` if something other than a regular file has the name; `NO_SPACE`, `PERMISSION`.
 *
 * @example
 * await writeArchive(store, "backup.tar");
 */
export async function writeArchive(
  store: Store,
  file: string,
  o: ExportOptions & {
    readonly fs?: FileSystem | undefined;
    readonly onBytes?: ((done: number, total: number) => void) | undefined;
  } = {},
): Promise<ArchiveSummary> {
  return exportArchive(store, o, async ({ bytes, ...summary }) => {
    const onBytes = (done: number) => o.onBytes?.(done, summary.size);
    await writeWhole(o.fs ?? nodeFileSystem(), file, bytes(o), { env: store.parts.env, onBytes });
    return summary;
  });
}

/** How often what is being exported may be deleted under our hands before we say so. */
const ATTEMPTS = 5;

async function selectAndHold(store: Store, o: ExportOptions, hold: Hold): Promise<Selection> {
  const { catalog } = store.parts;
  const repository = o.repository ?? "";
  for (let attempt = 1; ; attempt++) {
    const start = await startOf(catalog, repository, o);
    await hold.take(start);
    try {
      return await select(catalog, repository, start, o);
    } catch (error) {
      // Between the look and the claim it may have been deleted; a reference that is gone for good fails at the next look.
      if (attempt === ATTEMPTS || !isOciStoreError(error, "NOT_FOUND") || o.signal?.aborted) throw error;
    }
  }
}

async function* tarBytes(
  store: Store,
  members: readonly OutgoingMember[],
  hold: Hold,
  o: Signal,
): AsyncGenerator<Uint8Array> {
  for (const member of members) {
    for await (const piece of memberBytes(store, member, o)) {
      o.signal?.throwIfAborted();
      yield piece;
      await hold.renew();
    }
  }
  yield END;
}

async function* memberBytes(
  { parts: { blobs } }: Store,
  { head, size, content }: OutgoingMember,
  o: Signal,
): AsyncGenerator<Uint8Array> {
  yield head;
  if (content instanceof Uint8Array) yield content;
  else if (content) yield* verified(blobs, content, o);
  if (padded(size) > size) yield new Uint8Array(padded(size) - size);
}

/** What the export holds in the store. */
class Hold {
  readonly #store: Store;
  readonly #o: ExportOptions;
  readonly #owner: string;
  #renewed: Ms | undefined;

  constructor(store: Store, o: ExportOptions) {
    this.#store = store;
    this.#o = o;
    this.#owner = `export-${randomId(store.parts.env)}`;
  }

  get isTaken(): boolean {
    return this.#renewed !== undefined;
  }

  /** Roots are enough: what they keep, and what refers to them, is live with them. */
  async take({ tags, untagged, pinned }: Start): Promise<void> {
    const { hold, signal, repository = "" } = this.#o;
    if (hold === false) return;
    const { catalog, env } = this.#store.parts;
    const digests: readonly Digest[] = [...new Set([...tags.values(), ...untagged, ...pinned])];
    const now = env.now();
    try {
      await catalog.claim(this.#owner, repository, digests, { signal, until: now + CLAIM });
      this.#renewed = now;
    } catch (error) {
      if (hold || !isOciStoreError(error, "READ_ONLY", "PERMISSION") || signal?.aborted) throw error;
    }
  }

  async renew(): Promise<void> {
    const { catalog, env } = this.#store.parts;
    if (this.#renewed === undefined || env.now() - this.#renewed < CLAIM / 4) return;
    this.#renewed = env.now();
    await catalog.release(this.#owner, { signal: this.#o.signal, until: this.#renewed + CLAIM });
  }

  /** Not with the signal: what was cancelled has to be given back too. */
  async end(): Promise<void> {
    if (this.#renewed !== undefined) await this.#store.parts.catalog.release(this.#owner);
  }
}
