import {
  type BlobStore,
  type Digest,
  type Environment,
  type Finding,
  isDamage,
  type Listing,
  type ManifestRecord,
  type Ms,
  Mutex,
  OciStoreError,
  type Policy,
  type ReadListing,
  randomId,
  type Signal,
} from "@ocistore/core";
import type { Context } from "../commands/context.ts";
import type { Tables } from "../tables/tables.ts";
import { closureOf, type Records } from "./closure.ts";
import { compare, type Entry, entriesOf, entryOf, keyOf } from "./entries.ts";
import { listingFindings } from "./findings.ts";
import {
  addListing,
  addPending,
  adopt,
  headsOf,
  type ListingRow,
  listingRow,
  oursOf,
  projectionsOf,
  recentOf,
  setWritten,
} from "./record.ts";
import { takeInEntry, takeInManifests, takeOut } from "./take-in.ts";
import { wantedInTime } from "./wanted.ts";

const MINUTE = 60_000;
/** What another tool has taken out can be brought back for so long at least. */
const WINDOW: Ms = 24 * 60 * MINUTE;
/** Nobody takes longer from reading a listing to writing it back, if the policy does not say more. */
const SLOWEST: Ms = 10 * MINUTE;
/** A file that is written again and again under our hands is somebody's mistake. */
const ATTEMPTS = 32;

/** What another tool has done to the listing, and what came of it; entries are a digest, and a tag after a space. */
export interface ListingReport {
  /** Entries that it has made, which count as ours from now on. */
  readonly takenIn: readonly string[];
  /** Entries that it has taken out: tags and roots have gone by that, and `run` brings them back. */
  readonly takenOut: readonly string[];
  readonly run?: string | undefined;
  /** What it has written over, and is there again. */
  readonly putBack: readonly string[];
  /** What it has listed and cannot be taken in, being absent or damaged. */
  readonly aside: readonly string[];
}

/** What the projection needs of its catalog. */
export interface ProjectionGround {
  readonly listing: Listing;
  readonly blobs: BlobStore;
  readonly env: Environment;
  readonly onListing?: ((report: ListingReport) => void) | undefined;
  read<T>(o: Signal, look: (tables: Tables) => T): T;
  write<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T>;
}

/**
 * index.json beside a catalog: what other tools see of it, and how they change it.
 *
 * Writing takes two transactions. The first notes what is about to be written, the second writes it while nobody else of ours does;
 * so whatever dies in between leaves a file that is the one before or the one that was noted, and not for somebody else's.
 * Any other file is somebody else's, and what differs from ours is what he meant.
 */
export class Projection {
  readonly #ground: ProjectionGround;
  readonly #mutex = new Mutex();

  constructor(ground: ProjectionGround) {
    this.#ground = ground;
  }

  /** Takes in what others have written. Costs a look at the file where nobody has. */
  look(o: Signal = {}): Promise<void> {
    return this.#mutex.run(async () => void (await this.#look(o)), o);
  }

  /** Writes the listing, if anything has changed that it shows. */
  flush(o: Signal = {}): Promise<void> {
    return this.#mutex.run(async () => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const file = await this.#look(o);
        if (await this.#write(file, o)) return;
      }
      throw new OciStoreError("UNAVAILABLE", "index.json is written again and again by somebody else");
    }, o);
  }

  /** What is listed and not there, and whether what is listed is what the catalog takes it to be. */
  async *audit(o: Signal = {}): AsyncGenerator<Finding> {
    const { listing, read } = this.#ground;
    const file = await this.#mutex.run(async () => (await this.#look(o)) ?? (await listing.read(o)), o);
    yield* read(o, (tables) => listingFindings(tables, file));
  }

  /** Whether what is there now has been taken in; asked in a transaction that is about to take something away. */
  async isSeen({ tables }: Context): Promise<boolean> {
    const row = listingRow(tables);
    if (row?.fault !== undefined) throw new OciStoreError("LAYOUT_INVALID", `nothing is taken away: ${row.fault}`);
    const stamp = await this.#ground.listing.stamp();
    if (stamp !== undefined && stamp === row?.stamp) return true;
    const { hash } = await this.#ground.listing.read();
    return oursOf(headsOf(tables)).ours.some((each) => each.hash === hash);
  }

  /** @returns The file, if it was read. */
  async #look(o: Signal): Promise<ReadListing | undefined> {
    const { listing, read, write } = this.#ground;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const stamp = await listing.stamp(o);
      const row = read(o, listingRow);
      if (row && stamp !== undefined && stamp === row.stamp && row.aside.length === 0) return undefined;
      const file = await listing.read(o);
      const heads = row ? read(o, headsOf) : [];
      const found = oursOf(heads).ours.find(({ hash }) => hash === file.hash);
      if (row && found && row.aside.length === 0) {
        const isNews = !found.written || (stamp !== undefined && stamp !== row.stamp);
        if (isNews) {
          await write(o, ({ tables }) => {
            if (!found.written) setWritten(tables, found.number, found.changes);
            if (stamp !== undefined) tables.sql.setSeen.run(stamp);
          });
        }
        return file;
      }
      if (await this.#merge(file, row, o)) return file;
    }
    throw new OciStoreError("UNAVAILABLE", "the catalog is changed again and again by somebody else");
  }

  /** @returns false if another process of ours was first. */
  async #merge(file: ReadListing, row: ListingRow | undefined, o: Signal): Promise<boolean> {
    const { read, write, env, onListing } = this.#ground;
    const policy = JSON.parse(read(o, (tables) => tables.setting("policy"))!) as Policy;
    const projections = read(o, projectionsOf);
    const since = env.now() - Math.max(policy.wait, SLOWEST);
    const theirs = entriesOf(file);
    const { ours } = oursOf(projections);
    const difference = compare({ hash: file.hash, entries: theirs }, ours, recentOf(projections, since));
    const { added, vanished, verdict, again } = difference;
    const gathered = await this.#gather(added, file, o);
    const isOurs = ours.some(({ hash }) => hash === file.hash);
    // Nobody has written anything, and what could not be taken in before cannot be now.
    const [fault] = [...file.faults, ...[...gathered.aside.values()].filter((why) => why !== undefined)];
    if (isOurs && fault === row?.fault && added.every((key) => gathered.aside.has(key))) return true;
    const tagBefore = new Map(ours.flatMap(({ entries }) => [...entries].map(entryOf)).map((e) => [e.name, e.digest]));

    const report = await write(o, async (ctx): Promise<ListingReport | undefined> => {
      const { tables } = ctx;
      if (!listingRow(tables)) addListing(tables);
      const last = tables.sql.lastProjection.get() as { number: number } | undefined;
      if (last?.number !== projections.at(-1)?.number) return undefined;
      await takeInManifests(ctx, this.#ground.blobs, gathered.records);
      const left: string[] = [...gathered.aside.keys()];
      const takenIn: string[] = [];
      const putBack = verdict === "meant" ? [] : [...vanished, ...again];
      // Those with a tag first, since they explain others.
      for (const key of [...added].sort((a, b) => Number(!a.includes(" ")) - Number(!b.includes(" ")))) {
        if (gathered.aside.has(key)) continue;
        const entry = entryOf(key);
        const own = file.manifests.get(entry.digest)?.own === true;
        if (!tables.member("", entry.digest)) left.push(key);
        else if (takeInEntry(ctx, entry, own, tagBefore.get(entry.name))) takenIn.push(key);
        else putBack.push(keyOf({ ...entry, digest: tables.tag("", entry.name!)! }));
      }
      const run = randomId(env);
      const out = verdict === "meant" ? vanished.map(entryOf) : [];
      const isStillListed = ({ digest, name }: Entry) => name === undefined && file.manifests.has(digest);
      const gone = takeOut(
        ctx,
        out.filter((entry) => !isStillListed(entry)),
        run,
        tables.now + Math.max(policy.window, WINDOW),
      );
      adopt(tables, file, left, fault);
      tables.sql.unsetWritten.run();
      const takenOut = gone.map(keyOf);
      return { takenIn, takenOut, ...(takenOut.length > 0 && { run }), putBack, aside: left };
    });
    if (!report) return false;
    const isNews = [report.takenIn, report.takenOut, report.putBack].some((list) => list.length > 0);
    if (isNews || report.aside.some((each) => !row?.aside.includes(each))) onListing?.(report);
    return true;
  }

  /** The manifests behind entries that are new, and what cannot be taken in: with why, if it is there and may name anything. */
  async #gather(
    added: readonly string[],
    file: ReadListing,
    o: Signal,
  ): Promise<{ readonly records: Records; readonly aside: ReadonlyMap<string, string | undefined> }> {
    const { blobs, read } = this.#ground;
    const records = new Map<Digest, ManifestRecord>();
    const aside = new Map<string, string | undefined>();
    const known = (digest: Digest) => read(o, (tables) => tables.anyRecord(digest));
    for (const key of added) {
      const { digest } = entryOf(key);
      const mediaType = file.manifests.get(digest)?.mediaType ?? "application/octet-stream";
      try {
        const found = await closureOf({ digest, mediaType }, { blobs, known }, o);
        if (!found) aside.set(key, undefined);
        for (const [each, record] of found ?? []) records.set(each, record);
      } catch (error) {
        if (!isDamage(error)) throw error;
        aside.set(key, `${digest}: ${(error as Error).message}`);
      }
    }
    return { records, aside };
  }

  /** @returns false if somebody else was first. */
  async #write(file: ReadListing | undefined, o: Signal): Promise<boolean> {
    const { listing, read, write } = this.#ground;
    const row = read(o, listingRow);
    if (!row || row.changes === row.written) return true;
    const before = file ?? (await listing.read(o));
    const pending = await write(o, async (ctx) => {
      const { tables } = ctx;
      const { ours } = oursOf(headsOf(tables));
      const present = ours.find(({ hash }) => hash === before.hash);
      const { aside, changes } = listingRow(tables)!;
      if (!present) return undefined;
      const wanted = await wantedInTime(ctx, before, aside);
      const next = before.with(wanted);
      if (next.hash === before.hash) {
        setWritten(tables, present.number, changes);
        return "as it is" as const;
      }
      const entries = entriesOf(wanted);
      for (const each of aside) entries.delete(each);
      return { next, changes, number: addPending(tables, next.hash, entries, changes) };
    });
    if (pending === undefined) return false;
    if (pending === "as it is") return true;
    return write(o, async ({ tables }) => {
      // What others have only noted since does not count: if each waited for the other's, neither would ever write.
      const last = tables.sql.lastWritten.get() as { number: number };
      if (last.number > pending.number || !(await pending.next.write())) return false;
      setWritten(tables, pending.number, pending.changes);
      const stamp = await listing.stamp();
      if (stamp !== undefined) tables.sql.setSeen.run(stamp);
      return true;
    });
  }
}
