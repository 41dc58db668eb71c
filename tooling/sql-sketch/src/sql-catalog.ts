import {
  type Arrival,
  bytesNode,
  type Catalog,
  type CatalogCapabilities,
  type Change,
  type Condemned,
  type CondemnItem,
  type Digest,
  type Environment,
  type GraphReader,
  type Located,
  type ManifestRecord,
  type Ms,
  OciStoreError,
  type Page,
  type Placement,
  type Policy,
  type RemovalRun,
  randomId,
  type Signal,
  type Undone,
} from "@ocistore/core";
import type { Database } from "better-sqlite3";
import { change } from "./change.ts";
import { keptBy } from "./grace.ts";
import { graphReader, SqlGraph } from "./graph.ts";
import { prepared, type Statements } from "./statements.ts";
import { type CondemnedRow, Tables } from "./tables.ts";
import { before, noteRun, runs, sweepRuns, undo } from "./undo.ts";

type Until = Signal & { readonly until: Ms };
type CondemnOptions = Parameters<Catalog["condemn"]>[1];
type ChangeOptions = NonNullable<Parameters<Catalog["change"]>[2]>;
type ReplaceOptions = Parameters<Catalog["replaceCopy"]>[1];
type PurgeOptions = Parameters<Catalog["purge"]>[1];

/** A catalog over SQL tables, for blob stores with generations: no transaction stays open while bytes are waited for. */
export class SqlCatalog implements Catalog {
  readonly capabilities: CatalogCapabilities = { edges: true, queue: false, repositories: true, window: true };
  readonly #db: Database;
  readonly #env: Environment;
  readonly #sql: Statements;

  constructor(db: Database, env: Environment, policy: Policy) {
    this.#db = db;
    this.#env = env;
    this.#sql = prepared(db);
    this.#write({}, () => {
      if (this.#meta("identity") !== undefined) return;
      this.#sql.setMeta.run("identity", randomId(env));
      this.#sql.setMeta.run("policy", JSON.stringify(policy));
    });
  }

  async identity(o: Signal = {}): Promise<string> {
    o.signal?.throwIfAborted();
    return this.#meta("identity")!;
  }

  async policy(o: Signal = {}): Promise<Policy> {
    o.signal?.throwIfAborted();
    return JSON.parse(this.#meta("policy")!);
  }

  async setPolicy(policy: Policy, o: Signal = {}): Promise<void> {
    this.#write(o, () => this.#sql.setMeta.run("policy", JSON.stringify(policy)));
  }

  async claim(
    owner: string,
    repository: string,
    digests: readonly Digest[],
    o: Until & { readonly from?: string | undefined },
  ) {
    return this.#write(o, (tables) => {
      const answer = new Map<Digest, Placement>();
      for (const digest of digests) {
        const isBack = tables.broughtBack(repository, digest);
        const elsewhere = () => (o.from === undefined ? undefined : tables.visible(o.from, digest));
        const found = isBack ? tables.blob(digest) : (tables.visible(repository, digest) ?? elsewhere());
        const isBroken = tables.isMember(repository, digest) && tables.missingBelow(repository, digest).length > 0;
        if (!found || isBroken) continue;
        answer.set(digest, { digest, size: found.size, generation: found.generation });
        tables.hold(owner, repository, digest, o.until);
        tables.touch(digest);
      }
      return answer;
    });
  }

  /**
   * A transaction cannot stay open while `publish` looks for the bytes, so it looks first, and again if anything has been
   * marked for erasing between its look and the transaction.
   */
  async add(owner: string, repository: string, arrivals: readonly Arrival[], o: Until): Promise<void> {
    for (let done = false; !done; ) {
      const marks = this.#meta("marks");
      for (const { publish } of arrivals) await publish(o);
      done = this.#write(o, (tables) => {
        if (this.#meta("marks") !== marks) return false;
        for (const { placement } of arrivals) this.#arrive(tables, placement);
        for (const { placement } of arrivals) tables.hold(owner, repository, placement.digest, o.until);
        return true;
      });
    }
  }

  #arrive(tables: Tables, { digest, size, generation }: Placement): void {
    const mark = tables.condemned(digest);
    if (mark?.purging && mark.generation === generation)
      throw new OciStoreError("UPLOAD_UNKNOWN", `${digest} is being collected`, { digest });
    const used = tables.blob(digest) ?? (mark?.purging ? undefined : mark);
    this.#sql.dropCondemned.run(digest);
    this.#sql.dropReaders.run(digest);
    this.#sql.putBlob.run({ digest, size, generation: used?.generation ?? generation, since: tables.now });
  }

  async release(owner: string, o: Signal & { readonly until?: Ms | undefined } = {}): Promise<void> {
    this.#write(o, (tables) => {
      const present = this.#sql.owner.get(owner) as { until: Ms } | undefined;
      if (!present) return;
      const isOver = present.until <= tables.now;
      if (!isOver && o.until !== undefined && o.until > tables.now) {
        this.#sql.putOwner.run(owner, o.until);
        return;
      }
      if (!isOver) for (const digest of tables.digests("claimsOf", owner)) tables.touch(digest);
      this.#sql.dropClaims.run(owner);
      this.#sql.dropOwner.run(owner);
    });
  }

  async change(repository: string, changes: readonly Change[], o: ChangeOptions = {}) {
    return this.#write(o, (tables) => change(tables, repository, changes, o));
  }

  async lease(
    name: string,
    ttl: Ms,
    o: Signal & { readonly renew?: number | undefined } = {},
  ): Promise<number | undefined> {
    return this.#write(o, ({ now }) => {
      const { epoch, until } = (this.#sql.lease.get(name) ?? { epoch: 0, until: 0 }) as { epoch: number; until: Ms };
      if (o.renew === undefined ? until > now : epoch !== o.renew) return undefined;
      const mine = o.renew ?? epoch + 1;
      this.#sql.putLease.run(name, mine, now + ttl);
      return mine;
    });
  }

  async endLease(name: string, epoch: number, o: Signal = {}): Promise<void> {
    this.#write(o, ({ now }) => {
      if (this.#epoch(name) === epoch) this.#sql.putLease.run(name, epoch, now);
    });
  }

  async condemn(items: readonly CondemnItem[], o: CondemnOptions): Promise<readonly Digest[]> {
    return this.#write(o, (tables) => {
      this.#mustHoldLease(o.epoch);
      const isKept = keptBy(tables, o.before);
      const was = before(tables);
      const taken = items.filter((item) => !isKept(bytesNode(item.digest)) && this.#condemn(tables, item, o));
      if (taken.length > 0) noteRun(tables, o.run, o.until, was);
      return taken.map(({ digest }) => digest);
    });
  }

  #condemn(tables: Tables, { digest, size, generation, kind }: CondemnItem, o: CondemnOptions): boolean {
    const located = tables.blob(digest);
    if (tables.condemned(digest) || (located && located.generation !== generation)) return false;
    if (o.before !== undefined && located && located.since > o.before) return false;
    const { run, until } = o;
    const readers = this.#sql.takenBy.all({ run, digest }) as { repository: string; member: number }[];
    for (const { repository, member } of readers) this.#sql.putReader.run(digest, repository, member);
    for (const { repository } of this.#sql.membersOf.all(digest) as { repository: string }[]) {
      this.#sql.putReader.run(digest, repository, 1);
      tables.removeMember(repository, digest);
    }
    this.#sql.putCondemned.run({ digest, size, generation, kind, run, until, id: randomId(this.#env) });
    this.#sql.dropBlob.run(digest);
    return true;
  }

  async revive(digests: readonly Digest[], o: Signal = {}): Promise<readonly Digest[]> {
    return this.#write(o, (tables) => digests.filter((digest) => tables.revive(digest)));
  }

  async undo(run: string, o: Signal & { readonly moved?: "leave" | "take" | undefined } = {}): Promise<Undone> {
    return this.#write(o, (tables) => undo(tables, run, o.moved));
  }

  /** Mark, erase, forget: two short transactions, and the marks between them. */
  async purge(erase: (placements: readonly Placement[]) => Promise<readonly Digest[]>, o: PurgeOptions) {
    const purged: Condemned[] = [];
    const revived: Digest[] = [];
    while (purged.length < o.limit) {
      const marked = this.#write(o, (tables) => this.#mark(tables, o, o.limit - purged.length, revived));
      if (marked.length === 0) break;
      const gone = new Set(await erase(marked));
      const dropped = this.#write({}, (tables) =>
        marked.filter((row) => gone.has(row.digest) && this.#forget(tables, row)),
      );
      purged.push(...dropped);
      if (dropped.length < marked.length) break;
    }
    return { purged, revived };
  }

  #mark(tables: Tables, { due, run, epoch }: PurgeOptions, limit: number, revived: Digest[]): CondemnedRow[] {
    this.#mustHoldLease(epoch);
    const options = { due, run: run ?? null, limit: Math.min(limit, Number.MAX_SAFE_INTEGER) };
    const graph = new SqlGraph(tables);
    for (const { digest } of this.#sql.allCondemned.all() as CondemnedRow[]) {
      if (graph.bytesAreLive(digest) && tables.revive(digest)) revived.push(digest);
    }
    sweepRuns(tables, { due, run });
    const rows = this.#sql.purgeable.all(options) as CondemnedRow[];
    for (const { digest } of rows) this.#sql.markPurging.run(digest);
    if (rows.length > 0) this.#sql.setMeta.run("marks", String(Number(this.#meta("marks") ?? 0) + 1));
    return rows;
  }

  #forget(tables: Tables, { digest, id }: CondemnedRow): boolean {
    if (tables.condemned(digest)?.id !== id) return false;
    for (const statement of ["dropCondemned", "dropReaders", "dropRecord", "dropEdges"] as const)
      this.#sql[statement].run(digest);
    return true;
  }

  /**
   * Both copies are looked at outside the transaction. The damaged one has a place of its own, so what is true of it stays
   * true; the sound one is nobody's yet, so as in `add` it is looked at again if anything has been marked for erasing since.
   */
  async replaceCopy(damaged: Placement, o: ReplaceOptions): Promise<boolean> {
    const isUsed = () => this.#tables().blob(damaged.digest)?.generation === damaged.generation;
    if (!isUsed() || !(await o.confirm(o))) return false;
    let isReplaced: boolean | undefined;
    while (isReplaced === undefined) {
      const marks = this.#meta("marks");
      await o.by?.publish(o);
      isReplaced = this.#write(o, (tables) => {
        if (this.#meta("marks") !== marks) return undefined;
        return isUsed() && this.#replace(tables, damaged.digest, o.by?.placement);
      });
    }
    if (isReplaced && damaged.generation !== o.by?.placement.generation) await o.erase([damaged]);
    return isReplaced;
  }

  #replace(tables: Tables, digest: Digest, by: Placement | undefined): true {
    if (by) {
      const { size, generation } = by;
      this.#sql.putBlob.run({ digest, size, generation, since: tables.blob(digest)!.since });
      const record = tables.record(digest);
      if (record) this.#sql.putRecord.run(digest, JSON.stringify({ ...record, size, generation }));
      return true;
    }
    if (this.#sql.membersOf.get(digest)) throw new OciStoreError("IN_USE", `${digest} is a manifest`, { digest });
    this.#sql.dropBlob.run(digest);
    return true;
  }

  async graph(o: Signal = {}): Promise<GraphReader> {
    o.signal?.throwIfAborted();
    return graphReader(() => this.#tables(), this);
  }

  async resolve(repository: string, tag: string, o: Signal = {}): Promise<Digest | undefined> {
    o.signal?.throwIfAborted();
    return this.#tables().digests("tag", repository, tag)[0];
  }

  async manifest(repository: string, digest: Digest, o: Signal = {}): Promise<ManifestRecord | undefined> {
    o.signal?.throwIfAborted();
    return this.#tables().isMember(repository, digest) ? this.#tables().record(digest) : undefined;
  }

  async locate(repository: string | undefined, digest: Digest, o: Signal = {}): Promise<Located | undefined> {
    o.signal?.throwIfAborted();
    return repository === undefined ? this.#tables().blob(digest) : this.#tables().visible(repository, digest);
  }

  async *tags(repository: string, page: Page = {}) {
    yield* this.#rows<{ name: string; digest: Digest }>("tags", page, repository, page.after ?? "", limitOf(page));
  }

  async *repositories(page: Page = {}) {
    const rows = this.#rows<{ repository: string }>("repositories", page, page.after ?? "", limitOf(page));
    for (const { repository } of rows) yield repository;
  }

  async *pins(repository: string, o: Signal = {}) {
    const rows = this.#rows<{ name: string; digest: Digest; until: Ms | null }>("pins", o, repository);
    for (const { name, digest, until } of rows) yield { name, digest, until: until ?? undefined };
  }

  async *referrers(
    repository: string,
    subject: Digest,
    page: Page & { readonly artifactType?: string | undefined } = {},
  ) {
    let left = page.limit ?? Number.POSITIVE_INFINITY;
    for (const { digest } of this.#rows<{ digest: Digest }>("referrers", page, subject, repository, page.after ?? "")) {
      const record = this.#tables().record(digest)!;
      if (page.artifactType !== undefined && record.artifactType !== page.artifactType) continue;
      if (left-- <= 0) return;
      yield record;
    }
  }

  candidates(): AsyncIterable<Digest> {
    throw new OciStoreError("UNSUPPORTED", "this catalog keeps no queue; mark the store instead");
  }

  async *condemned(o: Signal = {}): AsyncGenerator<Condemned> {
    for (const { id: _, purging: __, ...row } of this.#rows<CondemnedRow>("allCondemned", o)) yield row;
  }

  async *runs(o: Signal = {}): AsyncGenerator<RemovalRun> {
    o.signal?.throwIfAborted();
    yield* runs(this.#tables());
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  #write<T>({ signal }: Signal, command: (tables: Tables) => T): T {
    signal?.throwIfAborted();
    return this.#db.transaction(() => command(this.#tables())).immediate();
  }

  #tables(): Tables {
    return new Tables(this.#sql, this.#env.now());
  }

  #rows<T>(statement: keyof Statements, { signal }: Signal, ...arguments_: unknown[]): T[] {
    signal?.throwIfAborted();
    return this.#sql[statement].all(...arguments_) as T[];
  }

  #meta(key: string): string | undefined {
    return (this.#sql.getMeta.get(key) as { value: string } | undefined)?.value;
  }

  #epoch(name: string): number | undefined {
    return (this.#sql.lease.get(name) as { epoch: number } | undefined)?.epoch;
  }

  #mustHoldLease(epoch: number | undefined): void {
    if (epoch === undefined || this.#epoch("collect") === epoch) return;
    throw new OciStoreError("CONFLICT", "another collector has taken over");
  }
}

function limitOf({ limit }: Page): number {
  return limit === undefined || limit > Number.MAX_SAFE_INTEGER ? -1 : limit;
}
