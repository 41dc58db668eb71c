import {
  type CatalogCell,
  type CatalogState,
  type CondemnedRow,
  DIGEST_ALGORITHMS,
  type Digest,
  type Draft,
  digestOf,
  type Environment,
  inWaves,
  isOciStoreError,
  type JsonValue,
  OciStoreError,
  type Policy,
  type Run,
  type Signal,
} from "@ocistore/core";
import type { Directories } from "../files/durable.ts";
import { forCaller, hasCode, reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { readWhole } from "../files/read.ts";
import { Settled } from "../files/settled.ts";
import type { Lock, Release } from "../lock/lock.ts";
import { replaceOurs } from "../sidecar/json-file.ts";
import { SessionFiles } from "../sidecar/sessions.ts";
import {
  readLeases,
  readLost,
  readPins,
  readSettings,
  writeLeases,
  writeLost,
  writePins,
  writeSettings,
} from "../sidecar/settings.ts";
import { dropRun, moveBack, moveToTrash, readTrash, syncMoves, writeRun } from "../sidecar/trash.ts";
import { INDEX_LIMIT, IndexDocument, type IndexOptions } from "./index-document.ts";
import type { Paths } from "./paths.ts";
import { mustBePlain } from "./plain.ts";
import { Reserve } from "./reserve.ts";
import { whole } from "./torn.ts";

/**
 * The document of a plain layout: index.json, and what has no place in it under `.ocistore/`.
 *
 * All that is ours happens under one lock; index.json is read again for every command and once more just before it is
 * replaced, since other tools honour no lock. The order of writing is the whole of the protocol:
 *
 *   1. what gives a reason to live: new pins and claims, the losses whose grace begins, files that come back from the trash;
 *   2. the record of the run, so that what is about to go can be brought back;
 *   3. index.json, by a new file, a sync, a rename and a sync of the directory: now the catalog has forgotten;
 *   4. what takes a reason away: files that go to the trash, pins and claims that end.
 *
 * A crash anywhere leaves garbage or an unfinished run, never a reference to what is not there. It is finished, or turned
 * back, by the next command that needs to; opening a layout changes nothing.
 */
export class LayoutCell implements CatalogCell {
  readonly #fs: FileSystem;
  readonly #paths: Paths;
  readonly #lock: Lock;
  readonly #o: LayoutCellOptions;
  readonly #sessions: SessionFiles;
  readonly #settled: Settled;
  readonly #reserve: Reserve;
  #index: ReadIndex | undefined;
  /** Somebody died while pins and index.json changed together, and which pins hold rests on index.json as it is. */
  #isPending = false;

  constructor(fs: FileSystem, paths: Paths, lock: Lock, o: LayoutCellOptions) {
    this.#fs = fs;
    this.#paths = paths;
    this.#lock = lock;
    this.#o = o;
    this.#sessions = new SessionFiles(fs, paths, o.directories);
    this.#settled = new Settled(fs);
    this.#reserve = new Reserve(fs, paths);
  }

  async exclusive<T>(fn: () => Promise<T>, o: Exclusive = {}): Promise<T> {
    if (this.#o.readOnly) {
      throw new OciStoreError("READ_ONLY", "this layout was opened for reading", { path: this.#paths.root });
    }
    const release = await this.#withSpace(o, () => this.#acquire(o));
    let result: T;
    try {
      // It may have come since the layout was opened.
      await mustBePlain(this.#fs, this.#paths);
      if (!o.frees) await this.#reserve.make();
      result = await this.#withSpace(o, async () => {
        await this.#settled.settle(...this.#directories());
        return fn();
      });
      await this.#settled.note(...this.#directories());
    } catch (error) {
      this.#settled.forget();
      // The failure of the work is the one to report.
      await giveBack(release).catch(() => {});
      throw forCaller(error, "change the store", this.#paths.root, o.signal);
    }
    await giveBack(release);
    return result;
  }

  async #acquire({ signal }: Signal): Promise<Release> {
    await this.#o.directories.ensure(this.#paths.ours);
    return this.#lock.acquire({ signal });
  }

  /** Does the work; and once more, if it takes something away and the only thing in its way was a disk that is full. */
  async #withSpace<T>({ frees, signal }: Exclusive, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!frees || signal?.aborted || !isOciStoreError(error, "NO_SPACE")) throw error;
      if (!(await this.#reserve.spend())) throw error;
      this.#settled.forget();
      return work();
    }
  }

  async load({ signal }: Signal = {}): Promise<{ state: CatalogState; version: Digest }> {
    signal?.throwIfAborted();
    const { version, document } = await whole(() => this.#readIndex(), this.#o, { signal });
    return reported("read the store", this.#paths.root, async () => {
      const settings = await readSettings(this.#fs, this.#paths);
      const { pins, isPending } = await readPins(this.#fs, this.#paths, version);
      this.#isPending = isPending;
      const policy = settings?.policy ?? this.#o.policy;
      const { condemned, runs } = await readTrash(this.#fs, this.#paths, Math.max(policy.window, policy.wait));
      const state: CatalogState = {
        identity: settings?.identity ?? this.#o.identity,
        policy,
        repositories: new Map([["", { ...document.repository, pins }]]),
        lost: await readLost(this.#fs, this.#paths),
        blobs: new Map(),
        records: new Map(),
        claims: await this.#sessions.read(),
        condemned,
        runs,
        leases: await readLeases(this.#fs, this.#paths),
        faults: document.faults,
      };
      // Everything else changes only under the lock; of index.json one has to notice that others have written it.
      return { state, version };
    });
  }

  async #readIndex(): Promise<ReadIndex> {
    const path = this.#paths.index;
    const bytes = await readWhole(this.#fs, path, INDEX_LIMIT);
    if (!bytes)
      throw new OciStoreError("LAYOUT_INVALID", `not an image layout, there is no index.json: ${path}`, { path });
    if (!this.#index || !isEqual(this.#index.bytes, bytes)) {
      this.#index = { bytes, version: digestOf(bytes), document: IndexDocument.parse(bytes, this.#o) };
    }
    return this.#index;
  }

  async replace(version: string, draft: Draft): Promise<boolean> {
    const repository = draft.repository("");
    const revived = this.#revived(draft);
    const condemned = [...draft.condemned.changes.values()].filter((row) => row !== undefined && !row.purging);
    return reported("change the store", this.#paths.root, async () => {
      const isListed = repository.manifests.changed || repository.tags.changed;
      // A reader in this process may have seen another one meanwhile, and its writer may have put the old one back.
      if (isListed && this.#index?.version !== version) return false;
      const document = this.#index?.document;
      const next = isListed ? document!.with(repository, entriesOfUndone(draft)) : undefined;

      // First of all: when a pin is on its way out, its loss has been written down, and trying again finds no such pin.
      if (draft.lost.changed) await writeLost(this.#fs, this.#paths, draft.lost);
      const before = draft.base.repositories.get("")?.pins ?? new Map();
      const isPinned = repository.pins.changed || (next !== undefined && this.#isPending);
      const pending = next && { index: version as Digest, next: digestOf(next), pins: before };
      if (isPinned) await writePins(this.#fs, this.#paths, repository.pins, pending);
      await this.#writeClaims(draft, "growing");
      for (const row of revived) await moveBack(this.#fs, this.#paths, row);
      await syncMoves(this.#fs, this.#paths, revived);
      for (const [id, run] of draft.runs.changes) {
        if (run) await writeRun(this.#fs, this.#paths, this.#o.directories, id, withEntries(run, document));
      }

      if (next) {
        const isStillTheSame = async () => digestOf(await this.#indexBytes()) === version;
        const fresh = this.#paths.fresh("index.json");
        if (!(await replaceOurs(this.#fs, this.#paths.index, fresh, next, isStillTheSame))) {
          if (isPinned) await writePins(this.#fs, this.#paths, before);
          return false;
        }
      }

      await inWaves(condemned as CondemnedRow[], (row) => moveToTrash(this.#fs, this.#paths, row));
      await syncMoves(this.#fs, this.#paths, condemned as CondemnedRow[]);
      if (isPinned && pending) await writePins(this.#fs, this.#paths, repository.pins);
      await this.#writeClaims(draft, "ending");
      await this.#touch(draft);
      for (const [id, run] of draft.runs.changes) if (!run) await dropRun(this.#fs, this.#paths, id);
      if (draft.leases.changed) await writeLeases(this.#fs, this.#paths, draft.leases);
      if (draft.policy)
        await writeSettings(this.#fs, this.#paths, { identity: draft.base.identity, policy: draft.policy });
      return true;
    });
  }

  async close(): Promise<void> {}

  /** What lies in these is what an answer rests on. */
  #directories(): readonly string[] {
    const { root, ours, blobs } = this.#paths;
    return [root, ours, blobs, ...DIGEST_ALGORITHMS.map((name) => this.#paths.algorithm(name))];
  }

  async #indexBytes(): Promise<Uint8Array> {
    return (await readWhole(this.#fs, this.#paths.index, INDEX_LIMIT)) ?? new Uint8Array();
  }

  /** Condemned before and not any more: back in use, or erased, and then there is nothing to move. */
  #revived(draft: Draft): CondemnedRow[] {
    return [...draft.condemned.changes]
      .filter(([, row]) => row === undefined)
      .map(([digest]) => draft.base.condemned.get(digest))
      .filter((row) => row !== undefined);
  }

  async #writeClaims(draft: Draft, which: "growing" | "ending"): Promise<void> {
    for (const [owner, claim] of draft.claims.changes) {
      if ((claim === undefined) !== (which === "ending")) continue;
      await this.#sessions.write(owner, draft.base.claims.get(owner), claim);
    }
  }

  /** The time of a file is where a plain layout keeps the time from which its grace counts. */
  async #touch(draft: Draft): Promise<void> {
    for (const digest of draft.touched) {
      const path = this.#paths.blob(digest);
      try {
        await this.#fs.touch(path, this.#o.now());
      } catch (error) {
        // Given up by name although absent, or condemned in this very step; or another user's file, whose time is not ours
        // to set: what has been lost is written down besides, and what is claimed needs no grace.
        if (!hasCode(error, "ENOENT", "EPERM", "EACCES")) throw error;
      }
    }
  }
}

/** With the entries of index.json that it takes out, which may say more than anybody here understands. */
function withEntries(run: Run, document: IndexDocument | undefined): Run {
  const { entries = [] } = run;
  const known = new Set(entries.map((entry) => JSON.stringify(entry)));
  const present = document?.entriesOf(run) ?? [];
  return { ...run, entries: [...entries, ...present.filter((entry) => !known.has(JSON.stringify(entry)))] };
}

type Exclusive = Signal & { readonly frees?: boolean | undefined };

/** A run that goes is one that is undone, or of which nothing is left. */
function entriesOfUndone({ runs, base }: Draft): readonly JsonValue[] {
  return [...runs.changes].flatMap(([id, run]) => (run ? [] : ((base.runs.get(id)?.entries ?? []) as JsonValue[])));
}

interface ReadIndex {
  readonly bytes: Uint8Array;
  readonly version: Digest;
  readonly document: IndexDocument;
}

export interface LayoutCellOptions extends IndexOptions {
  readonly readOnly: boolean;
  readonly directories: Directories;
  /** Of a layout that `init` has not made ours. */
  readonly identity: string;
  readonly policy: Policy;
  readonly now: () => number;
  readonly sleep: Environment["sleep"];
}

/** Tried twice: as long as this process lives, everybody would wait for a lock that it has only failed to give back. */
function giveBack(release: Release): Promise<void> {
  return release().catch(release);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
