import type { Ms, ReadListing } from "@ocistore/core";
import type { Tables } from "../tables/tables.ts";
import { type Entries, entriesOf, type Head, type Projection } from "./entries.ts";
import { LAYOUT } from "./wanted.ts";

/** What the catalog has noted of its listing. */
export interface ListingRow {
  readonly changes: number;
  readonly written: number;
  readonly stamp: string | undefined;
  /** Entries that could not be taken in; they stay as they are. */
  readonly aside: readonly string[];
  /** Why nothing may be taken away: something is listed that may name anything. */
  readonly fault: string | undefined;
}

/** So many are remembered besides the one that was written last. */
const REMEMBERED = 4;

export function listingRow({ sql }: Tables): ListingRow | undefined {
  const row = sql.listing.get() as
    | { changes: number; written: number; stamp: string | null; aside: string; fault: string | null }
    | undefined;
  return (
    row && {
      changes: row.changes,
      written: row.written,
      stamp: row.stamp ?? undefined,
      aside: JSON.parse(row.aside) as string[],
      fault: row.fault ?? undefined,
    }
  );
}

export function addListing(tables: Tables): void {
  tables.sql.addListing.run(tables.repositoryIdFor(LAYOUT));
}

export function projectionsOf({ sql }: Tables): Projection[] {
  const rows = sql.projections.all() as (HeadRow & { readonly entries: string })[];
  return rows.map((row) => ({ ...row, written: row.written === 1, entries: new Set(JSON.parse(row.entries)) }));
}

/** The same without what they list, which is as much as the file. */
export function headsOf({ sql }: Tables): Head[] {
  return (sql.projectionHeads.all() as HeadRow[]).map((row) => ({ ...row, written: row.written === 1 }));
}

type HeadRow = Omit<Projection, "written" | "entries"> & { readonly written: 0 | 1 };

/**
 * Those that count as ours: the one that was written last, and whatever was about to be written since, since whoever was at it may have
 * died just before he noted that it was done.
 */
export function oursOf<T extends Head>(projections: readonly T[]): { ours: T[]; older: T[] } {
  const last = projections.findLastIndex(({ written }) => written);
  return { ours: projections.slice(Math.max(last, 0)), older: projections.slice(0, Math.max(last, 0)) };
}

/** Those of the older that somebody may have read so lately that he may still write them back. */
export function recentOf(projections: readonly Projection[], since: Ms): Projection[] {
  const { older, ours } = oursOf(projections);
  return older.filter((_, at) => (older[at + 1] ?? ours[0]!).at >= since);
}

/** Notes what is about to be written. */
export function addPending(tables: Tables, hash: string, entries: Entries, changes: number): number {
  const text = JSON.stringify([...entries].sort());
  return Number(tables.sql.addProjection.run(hash, tables.now, changes, 0, text).lastInsertRowid);
}

export function setWritten(tables: Tables, number: number, changes: number): void {
  const { sql } = tables;
  sql.projectionWritten.run(number);
  sql.setWritten.run(changes);
  sql.dropProjections.run({ number, kept: REMEMBERED });
}

/** What others have written is what is there now, and what the next one differs from. */
export function adopt(tables: Tables, file: ReadListing, aside: readonly string[], fault: string | undefined): void {
  const entries = entriesOf(file);
  for (const each of aside) entries.delete(each);
  const number = addPending(tables, file.hash, entries, 0);
  setWritten(tables, number, 0);
  tables.sql.setAside.run(JSON.stringify(aside), fault ?? null);
}
