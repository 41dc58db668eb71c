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
  Erase,
  GraphReader,
  ManifestRecord,
  Mentions,
  Page,
  Policy,
  PurgeOptions,
  RemovalRun,
  ReplaceOptions,
  Undone,
} from "../contract/catalog.ts";
import type { DocumentCell } from "../contract/document-cell.ts";
import type { Environment, Ms, Signal } from "../contract/environment.ts";
import { harmless, type OnEvent } from "../contract/events.ts";
import type { Located, Placement } from "../contract/placement.ts";
import { isDamage, OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import { change, TAKING } from "./commands/change.ts";
import { add, claim, release } from "./commands/claims.ts";
import { condemn } from "./commands/condemn.ts";
import { type Context, graphOf, locatedIn, manifestIn } from "./commands/context.ts";
import { dropPurged, markPurging } from "./commands/purge.ts";
import { replaceCopy } from "./commands/replace-copy.ts";
import { revive } from "./commands/revive.ts";
import { runsOf, undo } from "./commands/undo.ts";
import { Draft } from "./draft.ts";
import type { CellFacts } from "./facts.ts";
import { SharedMemory } from "./graph/manifest-memory.ts";
import { graphReader } from "./graph/reader.ts";
import { paged } from "./page.ts";
import type { CatalogState, CondemnedRow } from "./state.ts";

export type CatalogCell = DocumentCell<CatalogState, Draft>;

/** A cell that loses this often in a row has more writers than one document can serve. */
const ATTEMPTS = 200;
const LONGEST_PAUSE: Ms = 250;

/**
 * A catalog over one document. Every command is worked out on the document as it was loaded and put into effect as a whole,
 * or worked out anew if somebody else was first. What the commands do is in `commands/`; this class only runs them.
 */
export class CellCatalog implements Catalog {
  readonly capabilities: CatalogCapabilities;
  readonly #cell: CatalogCell;
  readonly #facts: CellFacts;
  readonly #env: Environment;
  readonly #memory = new SharedMemory();
  readonly #onEvent: OnEvent | undefined;

  constructor(
    cell: CatalogCell,
    o: {
      readonly facts: CellFacts;
      readonly env: Environment;
      readonly window: boolean;
      /** Told of every lost race. */
      readonly onEvent?: OnEvent | undefined;
    },
  ) {
    this.#onEvent = o.onEvent && harmless(o.onEvent);
    this.#cell = cell;
    this.#facts = o.facts;
    this.#env = o.env;
    const recorded = o.facts.membership === "recorded";
    this.capabilities = { edges: recorded, queue: false, repositories: recorded, window: o.window };
  }

  async identity(o: Signal = {}): Promise<string> {
    return (await this.#look(o)).draft.base.identity;
  }

  async policy(o: Signal = {}): Promise<Policy> {
    return (await this.#look(o)).draft.base.policy;
  }

  setPolicy(policy: Policy, o: Signal = {}): Promise<void> {
    return this.#update(o, async ({ draft }) => {
      draft.policy = policy;
    });
  }

  claim(
    owner: string,
    repository: string,
    digests: readonly Digest[],
    o: ClaimOptions,
  ): Promise<ReadonlyMap<Digest, Placement>> {
    return this.#update(o, (ctx) => claim(ctx, owner, repository, digests, o));
  }

  add(
    owner: string,
    repository: string,
    arrivals: readonly Arrival[],
    o: Signal & { readonly until: Ms },
  ): Promise<void> {
    return this.#update(o, (ctx) => add(ctx, owner, repository, arrivals, o.until));
  }

  release(owner: string, o: Signal & { readonly until?: Ms | undefined } = {}): Promise<void> {
    return this.#update({ ...o, frees: true }, async (ctx) => release(ctx, owner, o.until));
  }

  change(repository: string, changes: readonly Change[], o: ChangeOptions = {}): Promise<readonly Digest[]> {
    const frees = changes.every((step) => TAKING.has(step.do));
    return this.#update({ ...o, frees }, (ctx) => change(ctx, repository, changes, o));
  }

  lease(name: string, ttl: Ms, o: Signal & { readonly renew?: number | undefined } = {}): Promise<number | undefined> {
    return this.#update({ ...o, frees: true }, async ({ draft, now }) => {
      const lease = draft.leases.get(name);
      if (o.renew !== undefined && lease?.epoch !== o.renew) return undefined;
      if (o.renew === undefined && lease && lease.until > now) return undefined;
      const epoch = o.renew ?? (lease?.epoch ?? 0) + 1;
      draft.leases.set(name, { epoch, until: now + ttl });
      return epoch;
    });
  }

  endLease(name: string, epoch: number, o: Signal = {}): Promise<void> {
    return this.#update({ ...o, frees: true }, async ({ draft, now }) => {
      // The row stays, so that no later lease gets the same epoch.
      if (draft.leases.get(name)?.epoch === epoch) draft.leases.set(name, { epoch, until: now });
    });
  }

  condemn(items: readonly CondemnItem[], o: CondemnOptions): Promise<readonly Digest[]> {
    return this.#update({ ...o, frees: true }, (ctx) => condemn(ctx, items, o));
  }

  revive(digests: readonly Digest[], o: Signal = {}): Promise<readonly Digest[]> {
    return this.#update(o, async (ctx) => {
      const revived: Digest[] = [];
      for (const digest of digests) {
        if (await revive(ctx, digest)) revived.push(digest);
      }
      return revived;
    });
  }

  undo(run: string, o: Signal & { readonly moved?: "leave" | "take" | undefined } = {}): Promise<Undone> {
    return this.#update(o, (ctx) => undo(ctx, run, o.moved));
  }

  /**
   * Mark, erase, forget: three steps, so that what dies between them leaves a mark that the next purge finds. Where names are
   * fixed the cell is held all the while; where they are not, the marks alone keep others away.
   */
  purge(
    erase: Erase,
    o: PurgeOptions,
  ): Promise<{ readonly purged: readonly Condemned[]; readonly revived: readonly Digest[] }> {
    const purged: CondemnedRow[] = [];
    const revived: Digest[] = [];
    /** The version of the document at which all that is condemned was looked at for the second time. */
    let looked: string | undefined;
    const work = async () => {
      // Each round takes what no condemned manifest names any more: parents first, then their children. What the document
      // says is what can have changed since the last one, and only where others write who honour no lock.
      while (purged.length < o.limit) {
        const round = await this.#attempt(o, async (ctx, version) => {
          const limit = o.limit - purged.length;
          const marked = await markPurging(ctx, { ...o, limit, isLookedAt: version === looked });
          looked = marked.isLookedAt ? version : undefined;
          return marked;
        });
        revived.push(...round.revived);
        if (round.marked.length === 0) break;
        const gone = new Set(await erase(round.marked));
        const dropped = await this.#attempt(o, async (ctx) => dropPurged(ctx, round.marked, gone));
        purged.push(...dropped);
        if (dropped.length < round.marked.length) break;
      }
      return { purged, revived };
    };
    return this.#cell.exclusive(work, { ...o, frees: true });
  }

  replaceCopy(damaged: Placement, o: ReplaceOptions): Promise<boolean> {
    return this.#cell.exclusive(async () => {
      const isReplaced = await this.#attempt(o, (ctx) => replaceCopy(ctx, damaged, o));
      // What took the place of a copy with a fixed name has erased it by that.
      if (isReplaced && (o.by === undefined || damaged.generation !== o.by.placement.generation)) {
        await o.erase([damaged]);
      }
      return isReplaced;
    }, o);
  }

  async graph(o: Signal = {}): Promise<GraphReader> {
    const ctx = await this.#look(o);
    return graphReader(await graphOf(ctx), ctx);
  }

  async resolve(repository: string, tag: string, o: Signal = {}): Promise<Digest | undefined> {
    return (await this.#look(o)).draft.repository(repository).tags.get(tag);
  }

  async manifest(repository: string, digest: Digest, o: Signal & Mentions = {}): Promise<ManifestRecord | undefined> {
    return manifestIn(await this.#look(o), repository, digest, o);
  }

  async locate(repository: string | undefined, digest: Digest, o: Signal = {}): Promise<Located | undefined> {
    return locatedIn(await this.#look(o), repository, digest);
  }

  async *tags(repository: string, page: Page = {}): AsyncGenerator<{ name: string; digest: Digest }> {
    const { draft } = await this.#look(page);
    yield* paged(
      [...draft.repository(repository).tags],
      ([name]) => name,
      page,
      ([name, digest]) => ({ name, digest }),
    );
  }

  async *repositories(page: Page = {}): AsyncGenerator<string> {
    const { draft } = await this.#look(page);
    const names = [...draft.repositoryNames()].filter((name) => {
      const { manifests, tags } = draft.repository(name);
      return this.#facts.membership === "listed" || !manifests.keys().next().done || !tags.keys().next().done;
    });
    yield* paged(
      names,
      (name) => name,
      page,
      (name) => name,
    );
  }

  async *pins(
    repository: string,
    o: Signal = {},
  ): AsyncGenerator<{ name: string; digest: Digest; until?: Ms | undefined }> {
    const { draft } = await this.#look(o);
    for (const [name, pin] of draft.repository(repository).pins) yield { name, ...pin };
  }

  async *referrers(
    repository: string,
    subject: Digest,
    page: Page & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<ManifestRecord> {
    const ctx = await this.#look(page);
    const { draft, facts, o } = ctx;
    const graph = await graphOf(ctx);
    // Whatever it is that could not be read this time, it may be a referrer; to leave it out would be a wrong answer.
    for (const each of graph.unreadable())
      if (each.repository === repository && !isDamage(each.error)) throw each.error;
    const referrers = graph
      .referring(repository, subject)
      .filter(({ artifactType }) => page.artifactType === undefined || artifactType === page.artifactType);
    const each = paged(
      referrers,
      ({ digest }) => digest,
      page,
      (referrer) => referrer,
    );
    for (const { digest, mediaType } of each) {
      // The graph holds no annotations.
      const record = await facts.record(draft, repository, digest, { ...o, mediaType });
      if (record) yield record;
    }
  }

  async *candidates(): AsyncGenerator<Digest> {
    const none: readonly Digest[] = noQueue();
    yield* none;
  }

  async review(): Promise<void> {
    noQueue();
  }

  async *condemned(o: Signal = {}): AsyncGenerator<Condemned> {
    const { draft } = await this.#look(o);
    for (const { digest, size, generation, run, until, kind } of draft.condemned.values()) {
      yield { digest, size, generation, run, until, kind };
    }
  }

  async *runs(o: Signal = {}): AsyncGenerator<RemovalRun> {
    yield* runsOf(await this.#look(o));
  }

  close(): Promise<void> {
    return this.#cell.close();
  }

  async #look(o: Signal): Promise<Context> {
    o.signal?.throwIfAborted();
    const { state } = await this.#cell.load(o);
    return this.#context(state, o);
  }

  #context(state: CatalogState, o: Signal): Context {
    return {
      draft: new Draft(state),
      facts: this.#facts,
      memory: this.#memory,
      env: this.#env,
      now: this.#env.now(),
      o: { signal: o.signal },
    };
  }

  #update<T>(o: Signal & { readonly frees?: boolean | undefined }, command: (ctx: Context) => Promise<T>): Promise<T> {
    return this.#cell.exclusive(() => this.#attempt(o, command), o);
  }

  async #attempt<T>(o: Signal, command: (ctx: Context, version: string) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      o.signal?.throwIfAborted();
      const { state, version } = await this.#cell.load(o);
      const ctx = this.#context(state, o);
      const result = await command(ctx, version);
      if (!ctx.draft.changed || (await this.#cell.replace(version, ctx.draft, o))) return result;
      this.#onEvent?.({ event: "retried", attempt: attempt + 1 });
      await this.#env.sleep(this.#pause(attempt), o);
    }
    throw new OciStoreError("UNAVAILABLE", `the catalog was changed by others ${ATTEMPTS} times in a row`);
  }

  /** Random, so that two that lost to each other do not meet again. */
  #pause(attempt: number): Ms {
    const [chance = 0] = this.#env.random(1);
    return (Math.min(2 ** attempt, LONGEST_PAUSE) * chance) / 256;
  }
}

function noQueue(): never {
  throw new OciStoreError("UNSUPPORTED", "this catalog keeps no queue; mark the store instead");
}
