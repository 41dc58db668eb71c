import { isOciStoreError } from "@ocistore/core";
import type { Database, Statement } from "../database.ts";
import { toOciStoreError } from "../errors.ts";

/** Every table with its key, each after those that it refers to. */
const TABLES = {
  settings: ["key"],
  leases: ["name"],
  repositories: ["id"],
  types: ["id"],
  digests: ["id"],
  blobs: ["id"],
  condemned: ["id"],
  readers: ["id", "repository"],
  manifests: ["id"],
  edges: ["manifest", "place"],
  members: ["repository", "manifest"],
  referrers: ["repository", "subject", "digest"],
  tags: ["repository", "name"],
  pins: ["repository", "name"],
  owners: ["id"],
  claims: ["target", "repository", "owner"],
  runs: ["run"],
  run_tags: ["run", "repository", "name", "target"],
  run_members: ["run", "repository", "target"],
  run_absent: ["run", "target"],
} as const;

/** What is known of index.json, which is of use only beside the tags that it shows. */
const LISTING = { listing: ["repository"], projections: ["number"] } as const;

/** So many rows are read in one go. */
const PAGE = 1000;

type Row = Readonly<Record<string, unknown>>;

/** What could not be taken over of a table: rows that cannot be read, or that refer to what is not there. */
export interface Losses {
  readonly tables: ReadonlySet<string>;
  /** Tags on manifests that are not known. */
  readonly tags: readonly { readonly repository: number; readonly name: string; readonly manifest: number }[];
}

/** Copies what can be read, to the letter, and in lots; ids stay what they are. */
export async function copyRecord(
  from: Database,
  to: Database,
  write: (work: () => void) => Promise<void>,
): Promise<Losses> {
  const tables = new Set<string>();
  const tags: Row[] = [];
  for (const [table, key] of Object.entries(TABLES)) {
    const skip = (row: Row) => {
      if (table === "tags") tags.push(row);
    };
    if (!(await copyTable({ from, to, write, skip }, table, key))) tables.add(table);
  }
  return { tables, tags: tags as unknown as Losses["tags"] };
}

/** @returns Whether all of it could be copied. */
export async function copyListing(
  from: Database,
  to: Database,
  write: (work: () => void) => Promise<void>,
): Promise<boolean> {
  for (const [table, key] of Object.entries(LISTING)) {
    if (!(await copyTable({ from, to, write }, table, key))) return false;
  }
  return true;
}

interface Copying {
  readonly from: Database;
  readonly to: Database;
  write(work: () => void): Promise<void>;
  /** Told of each row that the tables do not take. */
  skip?(row: Row): void;
}

async function copyTable({ from, to, write, skip }: Copying, table: string, key: readonly string[]): Promise<boolean> {
  const order = key.join(", ");
  const first = `SELECT * FROM ${table} ORDER BY ${order} LIMIT ${PAGE}`;
  const next = `SELECT * FROM ${table} WHERE (${order}) > (${key.map(() => "?").join(", ")}) ORDER BY ${order} LIMIT ${PAGE}`;
  let isWhole = true;
  for (let last: Row | undefined; ; ) {
    let rows: Row[];
    try {
      const found =
        last === undefined ? from.prepare(first).all() : from.prepare(next).all(...key.map((each) => last?.[each]));
      rows = found as Row[];
    } catch (error) {
      if (!isOciStoreError(toOciStoreError(error), "CORRUPT")) throw error;
      return false;
    }
    const [columns] = rows;
    if (!columns) return isWhole;
    const places = Object.keys(columns).map(() => "?");
    const statement = to.prepare(`INSERT INTO ${table} VALUES (${places.join(", ")})`);
    await write(() => {
      for (const row of rows) {
        if (insert(statement, row)) continue;
        isWhole = false;
        skip?.(row);
      }
    });
    if (rows.length < PAGE) return isWhole;
    last = rows.at(-1);
  }
}

/** @returns false if it refers to what is not there, or is none that these tables take. */
function insert(statement: Statement, row: Row): boolean {
  try {
    statement.run(...Object.values(row));
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && code.startsWith("SQLITE_CONSTRAINT")) return false;
    throw error;
  }
}
