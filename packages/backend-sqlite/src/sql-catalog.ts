import type {
  Arrival,
  Catalog,
  CatalogCapabilities,
  Change,
  ChangeOptions,
  ClaimOptions,
  Condemned,
  CondemnItem,
  CondemnOptions,
  Digest,
  Environment,
  Erase,
  Ms,
  OnEvent,
  Placement,
  Policy,
  PurgeOptions,
  ReplaceOptions,
  Signal,
  Undone,
} from "@ocistore/core";
import { change } from "./commands/change.ts";
import { arrive, claim, release } from "./commands/claims.ts";
import { condemn } from "./commands/condemn.ts";
import type { Context } from "./commands/context.ts";
import { Journal } from "./commands/journal.ts";
import { dropPurged, markPurging, type Position, START, stillMarked } from "./commands/purge.ts";
import { isUsed, replaceCopy } from "./commands/replace-copy.ts";
import { review } from "./commands/review.ts";
import { revive } from "./commands/revive.ts";
import { noteInRun } from "./commands/run-record.ts";
import { undo } from "./commands/undo.ts";
import type { Database } from "./database.ts";
import { pauses } from "./pauses.ts";
import { SqlReads } from "./sql-reads.ts";
import { prepared, type Statements } from "./tables/statements.ts";
import { type CondemnedRow, Tables } from "./tables/tables.ts";
import { Transactions } from "./transactions.ts";

type Until = Signal & { readonly until: Ms };

/** So many items are condemned in one transaction: each is a search, and whoever pushes waits. */
const LOT = 16;
/** So many candidates are looked at again in one, which is much less. */
const REVIEWED = 64;
/** So long the lock is free between two of these, if it was held for any time. */
const GAP: Ms = 1;

export interface SqlCatalogOptions {
  readonly env: Environment;
  /** Whether a digest has one fixed place in the blob store beside it. */
  readonly fixedNames: boolean;
  /** Told how long another process had the write lock. */
  readonly onEvent?: OnEvent | undefined;
}

/**
 * A catalog over SQL tables. Every command is one transaction, or a few of which each leaves a state that is sound; what the
 * commands do is in `commands/`, and this class only runs them.
 */
export class SqlCatalog extends SqlReads implements Catalog {
  readonly capabilities: CatalogCapabilities = { edges: true, queue: true, repositories: true, window: true };
  readonly #connections: readonly [Database, Database];
  readonly #transactions: Transactions;
  readonly #writing: Statements;
  readonly #env: Environment;
  readonly #fixedNames: boolean;

  constructor(writer: Database, reader: Database, { env, fixedNames, onEvent }: SqlCatalogOptions) {
    super(prepared(reader), env);
    this.#connections = [writer, reader];
    this.#transactions = new Transactions(writer, env, onEvent);
    this.#writing = prepared(writer);
    this.#env = env;
    this.#fixedNames = fixedNames;
  }

  setPolicy(policy: Policy, o: Signal = {}): Promise<void> {
    return this.write(o, ({ tables }) => tables.setSetting("policy", JSON.stringify(policy)));
  }

  claim(
    owner: string,
    repository: string,
    digests: readonly Digest[],
    o: ClaimOptions,
  ): Promise<ReadonlyMap<Digest, Placement>> {
    return this.write(o, (ctx) => claim(ctx, owner, repository, digests, o));
  }

  /**
   * Where names are fixed, bytes come to theirs inside the transaction. Where they are not, the transaction does not stay open
   * while `publish` looks for the bytes: it looks before, and again if anything has been marked for erasing since.
   */
  async add(owner: string, repository: string, arrivals: readonly Arrival[], o: Until): Promise<void> {
    const { signal, until } = o;
    if (this.#fixedNames) {
      return this.write(o, async (ctx) => {
        for (const arrival of arrivals) {
          await arrival.publish({ signal });
          arrive(ctx, owner, repository, arrival, until);
        }
      });
    }
    for (let done = false; !done; ) {
      const purges = this.read(o, (tables) => tables.setting("purges"));
      for (const { publish } of arrivals) await publish({ signal });
      done = await this.write(o, (ctx) => {
        if (ctx.tables.setting("purges") !== purges) return false;
        for (const arrival of arrivals) arrive(ctx, owner, repository, arrival, until);
        return true;
      });
    }
  }

  release(owner: string, o: Signal & { readonly until?: Ms | undefined } = {}): Promise<void> {
    return this.write(o, (ctx) => release(ctx, owner, o.until));
  }

  change(repository: string, changes: readonly Change[], o: ChangeOptions = {}): Promise<readonly Digest[]> {
    const { run, until, before } = o;
    return this.write(o, async (ctx) => {
      const journal = run === undefined ? undefined : new Journal();
      const removed = await change({ ...ctx, journal }, repository, changes, { run, before });
      if (run !== undefined && journal) noteInRun(ctx, run, until, journal);
      return removed;
    });
  }

  lease(name: string, ttl: Ms, o: Signal & { readonly renew?: number | undefined } = {}): Promise<number | undefined> {
    return this.write(o, ({ tables: { sql, now } }) => {
      const { epoch, until } = (sql.lease.get(name) ?? { epoch: 0, until: 0 }) as { epoch: number; until: Ms };
      if (o.renew === undefined ? until > now : epoch !== o.renew) return undefined;
      const mine = o.renew ?? epoch + 1;
      sql.setLease.run(name, mine, now + ttl);
      return mine;
    });
  }

  endLease(name: string, epoch: number, o: Signal = {}): Promise<void> {
    return this.write(o, ({ tables: { sql, now } }) => {
      const present = sql.lease.get(name) as { epoch: number } | undefined;
      // The row stays, so that no later lease gets the same epoch.
      if (present?.epoch === epoch) sql.setLease.run(name, epoch, now);
    });
  }

  async condemn(items: readonly CondemnItem[], o: CondemnOptions): Promise<readonly Digest[]> {
    const condemned: Digest[] = [];
    for (let at = 0; at < Math.max(items.length, 1); at += LOT) {
      const lot = await this.#inTurn(o, () =>
        this.taking(o, (ctx) => {
          const journal = new Journal();
          const taken = condemn({ ...ctx, journal }, items.slice(at, at + LOT), o);
          noteInRun(ctx, o.run, o.until, journal);
          return taken;
        }),
      );
      condemned.push(...lot);
    }
    return condemned;
  }

  revive(digests: readonly Digest[], o: Signal = {}): Promise<readonly Digest[]> {
    return this.write(o, (ctx) => digests.filter((digest) => revive(ctx, digest)));
  }

  undo(run: string, o: Signal & { readonly moved?: "leave" | "take" | undefined } = {}): Promise<Undone> {
    return this.write(o, (ctx) => undo(ctx, run, o.moved));
  }

  /**
   * Mark, erase, forget. The mark is committed before anything is erased, so that what dies between the two leaves a mark
   * that the next purge finds. Passes go on until one finds nothing: the first takes the manifests, the next what only they named.
   */
  async purge(erase: Erase, o: PurgeOptions) {
    const purged: Condemned[] = [];
    const revived: Digest[] = [];
    for (let from: Position | undefined = START, isIdle = true; purged.length < o.limit; ) {
      const limit = o.limit - purged.length;
      const round = await this.#inTurn(o, () =>
        this.erasing(o, (ctx) => markPurging(ctx, { ...o, limit }, from ?? START)),
      );
      revived.push(...round.revived);
      if (round.marked.length > 0) {
        const { dropped, isWhole } = await this.#inTurn(o, () => this.#leave(round.marked, erase));
        purged.push(...dropped);
        if (!isWhole) break;
        isIdle = false;
      }
      from = round.next;
      if (from === undefined) {
        if (isIdle) break;
        from = START;
        isIdle = true;
      }
    }
    return { purged, revived };
  }

  /**
   * Erases what is marked, and forgets it. Where names are fixed that is one transaction, in which the marks are looked at once
   * more: until it has the lock, somebody may have put the same bytes there again, and lifted the mark by that.
   */
  async #leave(
    marked: readonly CondemnedRow[],
    erase: Erase,
  ): Promise<{ readonly dropped: readonly CondemnedRow[]; readonly isWhole: boolean }> {
    if (this.#fixedNames) {
      return this.taking({}, async (ctx) => {
        const still = stillMarked(ctx, marked);
        const dropped = still.length === 0 ? [] : dropPurged(ctx, still, new Set(await erase(still)));
        return { dropped, isWhole: dropped.length === still.length };
      });
    }
    const gone = new Set(await erase(marked));
    const dropped = await this.write({}, (ctx) => dropPurged(ctx, marked, gone));
    return { dropped, isWhole: gone.size === marked.length };
  }

  async replaceCopy(damaged: Placement, o: ReplaceOptions): Promise<boolean> {
    return this.#fixedNames ? this.#replaceInPlace(damaged, o) : this.#replaceByAnother(damaged, o);
  }

  /** All of it inside: a push may mend the copy at any other moment, and its place is the same. */
  #replaceInPlace(damaged: Placement, { signal, by, confirm, erase }: ReplaceOptions): Promise<boolean> {
    return this.write({ signal }, async (ctx) => {
      if (!isUsed(ctx, damaged) || !(await confirm({ signal }))) return false;
      await by?.publish({ signal });
      replaceCopy(ctx, damaged.digest, by?.placement);
      if (!by) await erase([damaged]);
      return true;
    });
  }

  /** The damaged copy has a place of its own, so what is true of it stays true; the sound one is nobody's yet, as in {@link add}. */
  async #replaceByAnother(damaged: Placement, o: ReplaceOptions): Promise<boolean> {
    const { signal, by, confirm, erase } = o;
    const isInUse = this.read(o, (tables) => tables.blob(damaged.digest)?.generation === damaged.generation);
    if (!isInUse || !(await confirm({ signal }))) return false;
    let isReplaced: boolean | undefined;
    while (isReplaced === undefined) {
      const purges = this.read(o, (tables) => tables.setting("purges"));
      await by?.publish({ signal });
      isReplaced = await this.write(o, (ctx) => {
        if (ctx.tables.setting("purges") !== purges) return undefined;
        if (!isUsed(ctx, damaged)) return false;
        replaceCopy(ctx, damaged.digest, by?.placement);
        return true;
      });
    }
    if (isReplaced && damaged.generation !== by?.placement.generation) await erase([damaged]);
    return isReplaced;
  }

  async review(digests: readonly Digest[], o: Signal = {}): Promise<void> {
    for (let at = 0; at < digests.length; at += REVIEWED) {
      await this.write(o, (ctx) => review(ctx, digests.slice(at, at + REVIEWED)));
    }
  }

  async close(): Promise<void> {
    // Not in the middle of a transaction of ours.
    await this.#transactions.idle();
    for (const connection of this.#connections) connection.close();
  }

  /** One of many: a process that waits for the lock asks for it now and then, and must not find it taken each time. */
  async #inTurn<T>(o: Signal, work: () => Promise<T>): Promise<T> {
    const began = this.#env.now();
    const result = await work();
    if (this.#env.now() > began) await this.#env.sleep(GAP, o);
    return result;
  }

  /** A transaction in which bytes go out of use, or are erased. */
  protected taking<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T> {
    return this.write(o, command);
  }

  /** One in which bytes are marked that will be erased for certain. */
  protected erasing<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T> {
    return this.taking(o, command);
  }

  protected write<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T> {
    return this.#transactions.write(o, () =>
      command({
        tables: new Tables(this.#writing, this.#env.now()),
        before: this.tables(),
        env: this.#env,
        fixedNames: this.#fixedNames,
        pause: pauses(this.#env, o),
      }),
    );
  }
}
