import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BlobStore, type Environment, MemoryBlobs, openStore, type Store } from "@ocistore/core";
import SQLite from "better-sqlite3";
import { onTestFinished } from "vitest";
import { type Connect, type Database, type SqlCatalog, type Statement, sqliteCatalog } from "../../src/index.ts";

/** In memory, where there is such a place: that a commit outlives the power is shown elsewhere. */
const GROUND = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A directory that is gone after the test. */
export function temporary(): string {
  const directory = mkdtempSync(join(GROUND, "ocistore-sqlite-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function temporaryFile(): string {
  return join(temporary(), "catalog.db");
}

/** A connection as anybody has it, closed after the test. */
export function connection(file: string, o?: SQLite.Options): SQLite.Database {
  const db = new SQLite(file, o);
  onTestFinished(() => void db.close());
  return db;
}

/** Every one that a catalog opens here is closed after the test. */
export const to =
  (file: string): Connect =>
  () =>
    connection(file);

export interface CatalogOptions {
  readonly env?: Environment;
  readonly generations?: boolean;
  readonly connect?: Connect;
}

export async function open(file: string, o: CatalogOptions = {}): Promise<SqlCatalog> {
  const { env, connect = to(file), generations = false } = o;
  const catalog = await sqliteCatalog({ connect, blobs: { capabilities: { generations } }, env });
  onTestFinished(() => catalog.close());
  return catalog;
}

export interface Opened {
  readonly store: Store;
  readonly catalog: SqlCatalog;
  readonly blobs: BlobStore;
}

/** A store whose bytes are in memory. */
export async function openWithMemory(file: string, env: Environment, o: CatalogOptions = {}): Promise<Opened> {
  const blobs = new MemoryBlobs(env, { generations: o.generations ?? false });
  const catalog = await open(file, { ...o, env });
  return { store: await openStore({ blobs, catalog, env }), catalog, blobs };
}

/** What is done before each statement of a connection, in the words of the statement. */
export function watched(db: Database, before: (sql: string) => void): Database {
  const told = <T>(sql: string, run: () => T): T => {
    before(sql);
    return run();
  };
  return {
    prepare: (sql) => {
      const statement = db.prepare(sql);
      const watchedStatement: Statement = {
        run: (...values) => told(sql, () => statement.run(...values)),
        get: (...values) => told(sql, () => statement.get(...values)),
        all: (...values) => told(sql, () => statement.all(...values)),
      };
      return watchedStatement;
    },
    exec: (sql) => told(sql, () => db.exec(sql)),
    pragma: (source, o) => told(`PRAGMA ${source}`, () => db.pragma(source, o)),
    close: () => db.close(),
    get inTransaction() {
      return db.inTransaction;
    },
  };
}
