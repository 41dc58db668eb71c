import { statfs } from "node:fs/promises";
import { type Environment, isOciStoreError, OciStoreError } from "@ocistore/core";
import type { Connect, Database } from "./database.ts";
import { toOciStoreError } from "./errors.ts";
import { patiently } from "./patience.ts";
import { MIGRATIONS } from "./schema.ts";

/** Says that a database is a catalog of this kind ("ocis"). */
const APPLICATION = 0x6f636973;

/** The same of one that is being made anew ("ocir"): whoever comes upon it leaves it alone. */
const RETIRED = 0x6f636972;

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

/** Everything is in the file itself after that, which can be moved. */
export function flushLog(db: Database): void {
  const [row] = db.pragma("wal_checkpoint(TRUNCATE)") as { busy: number }[];
  if (row?.busy !== 0) throw new OciStoreError("LOCKED", "somebody else has opened the catalog that is being made");
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

/**
 * Takes a catalog that is to be made anew away from everybody else, for good: nobody has it open, and whoever dies from now on leaves one that
 * nobody opens, so that nothing is decided by it.
 *
 * @returns `undefined` if it cannot be read at all; then nobody else opens it either.
 * @throws `LOCKED` while somebody has it open; `UNSUPPORTED` if it is somebody else's, or a newer ocistore has written it.
 */
export async function takeOver(connect: Connect, env: Environment): Promise<Database | undefined> {
  try {
    return await opened(connect, async (db) => {
      await patiently(env, {}, () => {
        // From the first look on, all locks are kept.
        db.pragma("locking_mode = EXCLUSIVE");
        if (applicationOf(db) !== RETIRED) mustBeOurs(db);
        versionOf(db);
        if (db.pragma("journal_mode = DELETE", { simple: true }) !== "delete") throw taken();
        db.exec("BEGIN EXCLUSIVE");
        db.exec("COMMIT");
      });
      // A file that somebody has emptied has no tables.
      migrate(db);
      db.pragma(`application_id = ${RETIRED}`);
    });
  } catch (error) {
    if (isOciStoreError(error, "CORRUPT")) return undefined;
    throw error;
  }
}

/** As it was before {@link takeOver}: nothing has come of that. */
export function giveBack(db: Database): void {
  db.pragma(`application_id = ${APPLICATION}`);
}

function taken(): OciStoreError {
  return new OciStoreError("LOCKED", "somebody has the catalog open");
}

function applicationOf(db: Database): number {
  return db.pragma("application_id", { simple: true }) as number;
}

function mustBeOurs(db: Database): void {
  // In one look: another process may be making the tables.
  const sql =
    "SELECT application_id AS application, (SELECT count(*) FROM sqlite_schema) AS tables FROM pragma_application_id";
  const { application, tables } = db.prepare(sql).get() as { application: number; tables: number };
  if (application === APPLICATION || (application === 0 && tables === 0)) return;
  if (application === RETIRED) {
    const message = "the catalog is being made anew, and whoever was at it has not finished: it has to be begun again";
    throw new OciStoreError("CORRUPT", message);
  }
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
        if (applicationOf(db) !== RETIRED) db.pragma(`application_id = ${APPLICATION}`);
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
