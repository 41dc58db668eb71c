import { statfs } from "node:fs/promises";
import { type Environment, OciStoreError } from "@ocistore/core";
import type { Connect, Database } from "./database.ts";
import { toOciStoreError } from "./errors.ts";
import { patiently } from "./patience.ts";
import { MIGRATIONS } from "./schema.ts";

/** Says that a database is a catalog of this kind ("ocis"). */
const APPLICATION = 0x6f636973;

/**
 * Older ones could lose a commit when two processes reset the log at once.
 *
 * @see https://www.sqlite.org/wal.html#walresetbug
 */
const OLDEST = [3, 51, 3] as const;

/** How long a statement itself may wait for another process, and keep this one from doing anything else: not at all, almost. */
const BUSY_TIMEOUT = 5;

/**
 * File systems whose locks, or whose shared memory, cannot be relied on between machines, by what `statfs` calls them.
 *
 * @see https://www.sqlite.org/wal.html#overview
 * @see https://man7.org/linux/man-pages/man2/statfs.2.html
 */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x5346414f, "AFS"],
  [0x00c36400, "Ceph"],
  [0x0bd00bd0, "Lustre"],
  [0x01021997, "9P"],
]);

/** A connection that writes, with the tables there and of this version. @throws `UNSUPPORTED`, `CORRUPT`, `LOCKED`. */
export async function connectToWrite(connect: Connect, env: Environment): Promise<Database> {
  return opened(connect, async (db) => {
    mustBeRecent(db);
    await mustBeLocal(db);
    // Another process may be doing the same.
    await patiently(env, {}, () => settle(db));
  });
}

function settle(db: Database): void {
  mustBeOurs(db);
  // Answers with the mode that is in force then. One that has no file, say, cannot be shared with a second connection.
  const mode = db.pragma("journal_mode = WAL", { simple: true });
  if (mode !== "wal") throw new OciStoreError("UNSUPPORTED", `SQLite keeps no write-ahead log here, but "${mode}"`);
  // An acknowledged commit has to outlive the power: in this mode each is synced before it returns.
  db.pragma("synchronous = FULL");
  migrate(db);
  // In the middle of a migration a table may have to be made anew, and a reference would have nothing to refer to.
  db.pragma("foreign_keys = ON");
}

/** One that reads, while the other may be in the middle of a change. */
export async function connectToRead(connect: Connect): Promise<Database> {
  return opened(connect, async (db) => {
    db.pragma("query_only = ON");
  });
}

async function opened(connect: Connect, prepare: (db: Database) => Promise<void>): Promise<Database> {
  let db: Database | undefined;
  try {
    db = connect();
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT}`);
    await prepare(db);
    return db;
  } catch (error) {
    db?.close();
    throw toOciStoreError(error);
  }
}

function mustBeRecent(db: Database): void {
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  const numbers = version.split(".").map(Number);
  const differing = OLDEST.findIndex((number, at) => numbers[at] !== number);
  if (differing < 0 || numbers[differing]! > OLDEST[differing]!) return;
  throw new OciStoreError("UNSUPPORTED", `SQLite ${version} is older than ${OLDEST.join(".")}`);
}

async function mustBeLocal(db: Database): Promise<void> {
  const [main] = db.pragma("database_list") as { file: string }[];
  if (!main || main.file === "") throw new OciStoreError("UNSUPPORTED", "a catalog is kept in a file");
  const { type } = await statfs(main.file);
  // A 32-bit number, which comes with or without its sign.
  const network = NETWORK.get(type >>> 0);
  if (network === undefined) return;
  const message = `${main.file} is on ${network}, where SQLite cannot keep other machines out`;
  throw new OciStoreError("UNSUPPORTED", message, { path: main.file });
}

function mustBeOurs(db: Database): void {
  // In one look: another process may be making the tables.
  const sql =
    "SELECT application_id AS application, (SELECT count(*) FROM sqlite_schema) AS tables FROM pragma_application_id";
  const { application, tables } = db.prepare(sql).get() as { application: number; tables: number };
  if (application === APPLICATION || (application === 0 && tables === 0)) return;
  throw new OciStoreError("UNSUPPORTED", "this database is no catalog of ocistore");
}

/** Each step is a transaction, so a process that dies between two leaves an older version, which the next one goes on from. */
function migrate(db: Database): void {
  for (;;) {
    const version = versionOf(db);
    if (version === MIGRATIONS.length) return;
    db.exec("BEGIN IMMEDIATE");
    try {
      // Another process may have been first.
      if (versionOf(db) === version) {
        db.exec(MIGRATIONS[version]!);
        db.pragma(`application_id = ${APPLICATION}`);
        db.pragma(`user_version = ${version + 1}`);
      }
      db.exec("COMMIT");
    } catch (error) {
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }
}

function versionOf(db: Database): number {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version <= MIGRATIONS.length) return version;
  throw new OciStoreError("UNSUPPORTED", `a newer ocistore has written this catalog (version ${version})`);
}
