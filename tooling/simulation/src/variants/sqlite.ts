import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, SqlCatalog, sqliteCatalog } from "@ocistore/backend-sqlite";
import { type BlobStore, type Environment, MemoryBlobs, openStore, type Store } from "@ocistore/core";
import SQLite from "better-sqlite3";
import type { Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";
import { Furnishing } from "./furnishing.ts";
import { looking } from "./looking.ts";
import { type Furnished, furnished, remembering, SharedBlobs, UNAVAILABLE } from "./shared-blobs.ts";
import type { Ground, Prepared, Variant } from "./variant.ts";

/** In memory, where there is such a place. */
const BASE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/**
 * A real database that each process opens with connections of its own, beside bytes in memory. A transaction is one call,
 * from its beginning to the next thing that it waits for; so is each look at the tables.
 *
 * @param o.names `own`: each upload has a place of its own, so that bytes come and go outside of a transaction. `fixed`: a digest
 * has one place, and they do so inside.
 * @param o.coarse Of all looks only those on which a plan rests are worth an order of their own.
 */
export function sqlite(o: { readonly names: "own" | "fixed"; readonly coarse?: boolean }): Variant {
  const generations = o.names === "own";
  return {
    name: `a database, beside memory${generations ? "" : " with fixed names"}${o.coarse ? ", few looks apart" : ""}`,
    async prepare(startsAt, furnish): Promise<Prepared> {
      const env = new Furnishing(startsAt);
      const committed: Uint8Array[] = [];
      const blobs = new MemoryBlobs(env, { generations });
      const directory = temporary();
      const file = join(directory, "catalog.db");
      const store = await storeOf(() => new SQLite(file), remembering(blobs, committed), env);
      await furnish(store, env.advance);
      const db = new SQLite(file);
      db.pragma("wal_checkpoint(TRUNCATE)");
      const image = db.serialize();
      db.close();
      await store.close();
      rmSync(directory, { recursive: true });
      const template = await furnished(blobs, committed, startsAt);
      return {
        now: env.now(),
        begin: (simulation) => new SqliteGround(simulation, image, template, o.coarse ?? false),
      };
    },
  };
}

function temporary(): string {
  return mkdtempSync(join(BASE, "ocistore-simulation-"));
}

async function storeOf(connect: () => Database, blobs: BlobStore, env: Environment): Promise<Store> {
  return openStore({ blobs, catalog: await sqliteCatalog({ connect, blobs, env }), env });
}

class SqliteGround implements Ground {
  readonly #directory = temporary();
  readonly #isCoarse: boolean;
  readonly #blobs: SharedBlobs;
  readonly #connections = new Map<Process, SQLite.Database[]>();
  /** Whose transaction is open. */
  #holder: Process | undefined;

  constructor(simulation: Simulation, image: Buffer, template: Furnished, isCoarse: boolean) {
    this.#isCoarse = isCoarse;
    writeFileSync(this.#file, image);
    this.#blobs = new SharedBlobs(simulation, template);
    simulation.onDeath((process) => this.#end(process));
  }

  get #file(): string {
    return join(this.#directory, "catalog.db");
  }

  async open(process: Process): Promise<Store> {
    await this.#blobs.ready;
    const blobs = this.#blobs.of(process);
    const turn = new Turn(process, () => this.#holder);
    const [writer, reader] = [this.#connect(process, turn), this.#connect(process, turn)];
    writer.pragma("foreign_keys = ON");
    reader.pragma("query_only = ON");
    const catalog = new SqlCatalog(writer, reader, { env: turn.env, fixedNames: !blobs.capabilities.generations });
    return openStore({ blobs, catalog: looking(catalog, process, this.#isCoarse), env: process.env });
  }

  leftOver(): string[] {
    const db = new SQLite(this.#file, { readonly: true });
    const tables = ["condemned", "claims", "runs", "run_members", "run_tags", "run_absent", "readers"];
    const left = tables.filter((name) => db.prepare(`SELECT 1 FROM ${name}`).get() !== undefined);
    db.close();
    return left.map((name) => `rows of ${name}`);
  }

  async state(): Promise<string> {
    const db = new SQLite(this.#file, { readonly: true });
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
    const rows = tables.map((name) => [name, db.prepare(`SELECT * FROM ${name}`).raw().all()]);
    db.close();
    const text = (_: string, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
    return `${JSON.stringify(rows, text)}\n${await this.#blobs.state()}`;
  }

  close(): void {
    for (const process of [...this.#connections.keys()]) this.#end(process);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #connect(process: Process, turn: Turn): Database {
    // Nobody ever waits inside of a statement: who writes has been given the turn.
    const db = new SQLite(this.#file, { timeout: 0 });
    db.pragma("synchronous = OFF");
    this.#connections.set(process, [...(this.#connections.get(process) ?? []), db]);
    const exec = (sql: string) => {
      if (sql.startsWith("BEGIN")) turn.take();
      db.exec(sql);
      this.#holder = db.inTransaction ? process : undefined;
    };
    return {
      exec,
      prepare: (sql) => db.prepare(sql),
      pragma: (source, o) => db.pragma(source, o),
      close: () => db.close(),
      get inTransaction() {
        return db.inTransaction;
      },
    };
  }

  /** What it had begun is taken back. */
  #end(process: Process): void {
    for (const db of this.#connections.get(process) ?? []) db.close();
    this.#connections.delete(process);
    if (this.#holder === process) this.#holder = undefined;
  }
}

/**
 * A transaction cannot begin before the scheduler says so: until then the lock seems to be taken, and waiting for it is the
 * call.
 */
class Turn {
  readonly env: Environment;
  #isMine = false;
  /** It has been told that the lock is taken. */
  #isWaiting = false;

  constructor(process: Process, holder: () => Process | undefined) {
    const possible = () => holder() === undefined;
    const sleep: Environment["sleep"] = async (ms, o) => {
      // It has begun, or has nothing to wait for, and only lets others go on. In the middle of a look that is a call already.
      if (!this.#isWaiting) return holder() === process || ms > 0 ? process.env.sleep(ms, o) : undefined;
      this.#isWaiting = false;
      await process.call({ name: "transaction", possible, fails: UNAVAILABLE }, () => {});
      this.#isMine = true;
    };
    this.env = { now: () => process.env.now(), random: (bytes) => process.env.random(bytes), sleep };
  }

  take(): void {
    this.#isWaiting = !this.#isMine;
    this.#isMine = false;
    if (this.#isWaiting) throw Object.assign(new Error("not yet"), { code: "SQLITE_BUSY" });
  }
}
