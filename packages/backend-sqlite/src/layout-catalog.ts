import type { Catalog, Change, Digest, Environment, Finding, Ms, OnEvent, Signal, Undone } from "@ocistore/core";
import type { Context } from "./commands/context.ts";
import type { Database } from "./database.ts";
import { Projection, type ProjectionGround } from "./projection/projection.ts";
import { listingRow } from "./projection/record.ts";
import { SqlCatalog } from "./sql-catalog.ts";

/**
 * When index.json is written. `each-change`: before a command that changes it resolves. `coalesced`: within a second of that, or
 * later where it lists so much that it takes long, and when the catalog is closed. `off`: never; it is only looked at.
 */
export type ProjectionMode = "each-change" | "coalesced" | "off";

export interface LayoutCatalogOptions extends Pick<ProjectionGround, "listing" | "blobs" | "onListing"> {
  readonly env: Environment;
  readonly projection: ProjectionMode;
  readonly onEvent?: OnEvent | undefined;
}

/** So long a change may wait for others, to be written together with them. */
const COALESCED: Ms = 1000;

/** Where it takes long to write it, since it lists much, it is written more rarely: at most this part of the time goes into that. */
const SHARE = 1 / 20;

/**
 * A catalog beside an image layout, which other tools read and write: its index.json is kept true, and what they have written is
 * taken in before anything is taken away.
 */
export class LayoutCatalog extends SqlCatalog {
  readonly #projection: Projection;
  readonly #mode: ProjectionMode;
  readonly #env: Environment;
  readonly #closing = new AbortController();
  #waiting: Promise<void> | undefined;
  /** What had been condemned up to this mark is listed no more. */
  #unlisted: string | undefined;
  /** How long it took the last time. */
  #took: Ms = 0;

  constructor(writer: Database, reader: Database, { env, projection, onEvent, ...o }: LayoutCatalogOptions) {
    super(writer, reader, { env, fixedNames: true, onEvent });
    this.#env = env;
    this.#mode = projection;
    this.#projection = new Projection({
      ...o,
      env,
      read: (signal, look) => this.read(signal, look),
      write: (signal, command) => this.write(signal, command),
    });
  }

  /** Takes in what other tools have written since. */
  look(o: Signal = {}): Promise<void> {
    return this.#projection.look(o);
  }

  /** Writes index.json now, if that is ever done. */
  flush(o: Signal = {}): Promise<void> {
    return this.#mode === "off" ? this.#projection.look(o) : this.#projection.flush(o);
  }

  override async claim(...args: Parameters<Catalog["claim"]>): ReturnType<Catalog["claim"]> {
    return this.#shown(await super.claim(...args));
  }

  override async change(...[repository, changes, o]: Parameters<Catalog["change"]>): Promise<readonly Digest[]> {
    return this.#shown(await super.change(repository, changes as readonly Change[], o));
  }

  override async condemn(...args: Parameters<Catalog["condemn"]>): Promise<readonly Digest[]> {
    return this.#shown(await super.condemn(...args));
  }

  override async revive(...args: Parameters<Catalog["revive"]>): Promise<readonly Digest[]> {
    return this.#shown(await super.revive(...args));
  }

  override async undo(...args: Parameters<Catalog["undo"]>): Promise<Undone> {
    return this.#shown(await super.undo(...args));
  }

  override async purge(...args: Parameters<SqlCatalog["purge"]>): ReturnType<SqlCatalog["purge"]> {
    return this.#shown(await super.purge(...args));
  }

  override async *audit(...[blobs, o]: Parameters<SqlCatalog["audit"]>): AsyncGenerator<Finding> {
    yield* super.audit(blobs, o);
    yield* this.#projection.audit(o);
  }

  /** What others have listed is no garbage, so it is looked at first, and in the transaction once more. */
  protected override async taking<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T> {
    for (;;) {
      await this.#projection.look(o);
      const outcome = await this.write(o, async (ctx) =>
        (await this.#projection.isSeen(ctx)) ? { done: await command(ctx) } : undefined,
      );
      if (outcome) return outcome.done;
    }
  }

  /** What index.json lists others look for, so it is written before anything is erased that it may have listed. */
  protected override async erasing<T>(o: Signal, command: (ctx: Context) => T | Promise<T>): Promise<T> {
    for (;;) {
      const outcome = await this.taking(o, async (ctx) =>
        this.#isUnlisted(ctx) ? { done: await command(ctx) } : undefined,
      );
      if (outcome) return outcome.done;
      await this.#projection.flush(o);
    }
  }

  #isUnlisted({ tables }: Context): boolean {
    if (this.#mode === "off") return true;
    const marks = tables.setting("marks");
    const row = listingRow(tables);
    const isWritten = row === undefined || row.changes === row.written;
    if (!isWritten && marks !== this.#unlisted) return false;
    this.#unlisted = marks;
    return true;
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    await this.#waiting;
    try {
      if (this.#mode !== "off") await this.#projection.flush();
    } finally {
      await super.close();
    }
  }

  /** Closes it as it is. */
  async abandon(): Promise<void> {
    this.#closing.abort();
    await this.#waiting;
    await super.close();
  }

  async #shown<T>(result: T): Promise<T> {
    if (this.#mode === "each-change") await this.#projection.flush();
    else if (this.#mode === "coalesced") this.#flushSoon();
    return result;
  }

  #flushSoon(): void {
    if (this.#waiting) return;
    const row = this.read({}, listingRow);
    if (row && row.changes === row.written) return;
    const { signal } = this.#closing;
    this.#waiting = this.#env
      .sleep(Math.max(COALESCED, this.#took / SHARE), { signal })
      .then(async () => {
        const began = this.#env.now();
        await this.#projection.flush({ signal });
        this.#took = this.#env.now() - began;
      })
      // Whatever was in the way, the next change tries again, and closing does and says so.
      .catch(() => {})
      .finally(() => {
        this.#waiting = undefined;
      });
  }
}
