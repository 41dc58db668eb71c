import type {
  BlobStore,
  Condemned,
  Digest,
  Environment,
  Finding,
  GraphReader,
  Located,
  ManifestRecord,
  Ms,
  Page,
  Policy,
  RemovalRun,
  Signal,
} from "@ocistore/core";
import { audit } from "./audit.ts";
import { runsOf } from "./commands/undo.ts";
import { pack } from "./digests.ts";
import { toOciStoreError } from "./errors.ts";
import { graphReader } from "./graph/reader.ts";
import { pauses } from "./pauses.ts";
import { Known } from "./tables/known.ts";
import type { Statements } from "./tables/statements.ts";
import { Tables } from "./tables/tables.ts";

/** So many rows of a listing are read in one go. */
const PAGE = 1000;

/** What only looks, through a connection of its own: it sees what was committed last, and waits for nobody. */
export class SqlReads {
  readonly #statements: Statements;
  readonly #env: Environment;
  readonly #known = new Known();

  constructor(statements: Statements, env: Environment) {
    this.#statements = statements;
    this.#env = env;
  }

  async identity(o: Signal = {}): Promise<string> {
    return this.read(o, (tables) => tables.setting("identity")!);
  }

  async policy(o: Signal = {}): Promise<Policy> {
    return this.read(o, (tables) => JSON.parse(tables.setting("policy")!) as Policy);
  }

  async graph(o: Signal = {}): Promise<GraphReader> {
    o.signal?.throwIfAborted();
    return graphReader(() => this.tables(), this, pauses(this.#env, o));
  }

  async resolve(repository: string, tag: string, o: Signal = {}): Promise<Digest | undefined> {
    return this.read(o, (tables) => tables.tag(repository, tag));
  }

  async manifest(repository: string, digest: Digest, o: Signal = {}): Promise<ManifestRecord | undefined> {
    return this.read(o, (tables) => tables.record(repository, digest));
  }

  async locate(repository: string | undefined, digest: Digest, o: Signal = {}): Promise<Located | undefined> {
    return this.read(o, (tables) =>
      repository === undefined ? tables.blob(digest) : tables.visible(repository, digest),
    );
  }

  async *tags(repository: string, page: Page = {}): AsyncGenerator<{ name: string; digest: Digest }> {
    let after = page.after ?? "";
    yield* this.#paged(page, (tables, limit) => {
      const id = tables.repositoryId(repository);
      const rows =
        id === undefined ? [] : (tables.sql.tagsAfter.all(id, after, limit) as { name: string; id: number }[]);
      after = rows.at(-1)?.name ?? after;
      return rows.map((row) => ({ name: row.name, digest: tables.digest(row.id) }));
    });
  }

  async *repositories(page: Page = {}): AsyncGenerator<string> {
    let after = page.after ?? "";
    yield* this.#paged(page, (tables, limit) => {
      const names = (tables.sql.repositories.all(after, limit) as { name: string }[]).map(({ name }) => name);
      after = names.at(-1) ?? after;
      return names;
    });
  }

  async *pins(
    repository: string,
    o: Signal = {},
  ): AsyncGenerator<{ name: string; digest: Digest; until?: Ms | undefined }> {
    yield* this.read(o, (tables) => {
      const rows = tables.sql.pins.all(tables.repositoryId(repository)) as {
        name: string;
        id: number;
        until: Ms | null;
      }[];
      return rows.map(({ name, id, until }) => ({ name, digest: tables.digest(id), until: until ?? undefined }));
    });
  }

  async *referrers(
    repository: string,
    subject: Digest,
    page: Page & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<ManifestRecord> {
    let after = page.after === undefined ? Buffer.alloc(0) : pack(page.after as Digest);
    const { artifactType } = page;
    yield* this.#paged(page, (tables, limit) => {
      const at = tables.at(repository, subject);
      const type = artifactType === undefined ? undefined : tables.typeId(artifactType);
      if (!at || (artifactType !== undefined && type === undefined)) return [];
      const rows = (
        type === undefined
          ? tables.sql.referrersAfter.all({ ...at, after, limit })
          : tables.sql.referrersOfType.all({ ...at, type, after, limit })
      ) as { id: number; digest: Uint8Array }[];
      after = rows.at(-1)?.digest ?? after;
      return rows.map(({ id }) => tables.record(repository, tables.digest(id))!);
    });
  }

  async *candidates(o: Signal & { readonly due: Ms; readonly limit: number }): AsyncGenerator<Digest> {
    let from = { dueAfter: -1, idAfter: 0 };
    yield* this.#paged(o, (tables, limit) => {
      const due = Math.min(o.due, Number.MAX_SAFE_INTEGER);
      const rows = tables.sql.candidates.all({ ...from, due, now: tables.now, limit }) as { id: number; due: Ms }[];
      const last = rows.at(-1);
      if (last) from = { dueAfter: last.due, idAfter: last.id };
      return tables.digests(rows);
    });
  }

  async *condemned(o: Signal = {}): AsyncGenerator<Condemned> {
    let after = 0;
    yield* this.#paged(o, (tables, limit) => {
      const rows = tables.sql.condemnedAfter.all(after, limit) as { id: number }[];
      after = rows.at(-1)?.id ?? after;
      return rows.map((row) => {
        const { digest, size, generation, run, until, kind } = tables.condemnedRow(row);
        return { digest, size, generation, run, until, kind };
      });
    });
  }

  async *runs(o: Signal = {}): AsyncGenerator<RemovalRun> {
    yield* this.read(o, (tables) => runsOf({ tables }));
  }

  async *audit(blobs: Pick<BlobStore, "stat">, o: Signal = {}): AsyncGenerator<Finding> {
    try {
      yield* audit(() => this.tables(), blobs, o);
    } catch (error) {
      throw toOciStoreError(error);
    }
  }

  /** The tables as they are now, for one question. */
  protected tables(): Tables {
    return new Tables(this.#statements, this.#env.now(), this.#known);
  }

  protected read<T>({ signal }: Signal, look: (tables: Tables) => T): T {
    signal?.throwIfAborted();
    try {
      return look(this.tables());
    } catch (error) {
      throw toOciStoreError(error);
    }
  }

  /** A listing in pieces: nothing is read before it is wanted, and nobody waits for all of it. */
  async *#paged<T>(
    { signal, limit = Number.POSITIVE_INFINITY }: Pick<Page, "signal" | "limit">,
    look: (tables: Tables, limit: number) => readonly T[],
  ): AsyncGenerator<T> {
    const pause = pauses(this.#env, { signal });
    for (let left = limit; left > 0; ) {
      await pause();
      const wanted = Math.min(left, PAGE);
      const rows = this.read({ signal }, (tables) => look(tables, wanted));
      yield* rows;
      left -= rows.length;
      if (rows.length < wanted) return;
    }
  }
}
