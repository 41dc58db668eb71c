import type { BlobStore, UploadInfo } from "../contract/blob-store.ts";
import type { Catalog, Condemned, Page, Policy, RemovalRun, Root, Undone } from "../contract/catalog.ts";
import { checkedPolicy } from "../contract/checked.ts";
import type { Environment, Signal } from "../contract/environment.ts";
import { harmless, type OnEvent } from "../contract/events.ts";
import type { Finding, Upkeep } from "../contract/finding.ts";
import { systemEnvironment } from "../contract/system-environment.ts";
import { OciStoreError } from "../errors.ts";
import { type ApplyOptions, applyPlan, type Receipt } from "../gc/apply.ts";
import { type CheckOptions, check } from "../gc/check.ts";
import { applyCollection, type CollectReceipt, collect } from "../gc/collect.ts";
import type { Parts } from "../gc/parts.ts";
import type { Plan } from "../gc/plan.ts";
import { planDeleteBlob } from "../gc/plan-blob.ts";
import { type CollectOptions, planCollect } from "../gc/plan-collect.ts";
import type { DeleteOptions } from "../gc/plan-delete.ts";
import { repair } from "../gc/repair.ts";
import { type EmptyTrashOptions, emptyTrash, type UndoOptions, undo } from "../gc/undo.ts";
import { type Usage, usage } from "../gc/usage.ts";
import { type Reason, why } from "../gc/why.ts";
import { parseDigest } from "../model/digest.ts";
import { parseRepositoryName } from "../model/repository-name.ts";
import { Collector, type CollectorOptions } from "./collector.ts";
import { observedBlobs, observedCatalog } from "./observed.ts";
import { Repository } from "./repository.ts";

/** A store: repositories over shared bytes, and the care of the whole. Opened by a backend, or by {@link openStore}. */
export class Store {
  readonly #parts: Parts;
  #closed = false;

  /** Use {@link openStore}. */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A repository; it need not exist yet. A layout has one, without a name. @throws `REFERENCE_INVALID`, `UNSUPPORTED`. */
  repository(name = ""): Repository {
    const { catalog } = this.#open();
    if (parseRepositoryName(name) !== "" && !catalog.capabilities.repositories) {
      throw new OciStoreError("UNSUPPORTED", "this store has one repository, without a name", { reference: name });
    }
    return new Repository(() => this.#open(), name);
  }

  /** The repositories that hold anything, in the order of their ASCII codes. */
  repositories(page: Page = {}): AsyncIterable<string> {
    return this.#open().catalog.repositories(page);
  }

  policy(o: Signal = {}): Promise<Policy> {
    return this.#open().catalog.policy(o);
  }

  async setPolicy(policy: Policy, o: Signal = {}): Promise<void> {
    return this.#open().catalog.setPolicy(checkedPolicy(policy), o);
  }

  /** What a collection would do. Changes nothing. */
  planCollect(o: CollectOptions = {}): Promise<Plan> {
    return planCollect(this.#open(), o);
  }

  /** Frees what nothing keeps and what is past the grace. @throws `LOCKED` if a collection is running. */
  collect(o: CollectOptions & ApplyOptions = {}): Promise<CollectReceipt> {
    return collect(this.#open(), o);
  }

  /** Collects again and again in the background; started and stopped by hand. See {@link Collector}. */
  collector(o: CollectorOptions): Collector {
    return new Collector((options) => this.collect(options), this.#open().env, o);
  }

  /**
   * Does what a plan says, of which each item is looked at again.
   *
   * @throws `CONFLICT` if the plan is another store's, or a tag in it has moved.
   */
  apply(plan: Plan, o: ApplyOptions = {}): Promise<Receipt | CollectReceipt> {
    const parts = this.#open();
    return plan.header.kind === "collect" ? applyCollection(parts, plan, o) : applyPlan(parts, plan, o);
  }

  /**
   * Brings back what a deletion or a collection took: tags, manifests, marks and bytes, all of it or nothing. The latest
   * run unless one is named; {@link Receipt.run} and {@link trash} name them. An {@link Repository.untag} is no such run.
   *
   * @throws `NOT_FOUND`, `CONFLICT`, `MISSING_CONTENT` as {@link Catalog.undo}.
   *
   * @example
   * const { run } = await store.repository().delete("v1", { window: 3_600_000 });
   * await store.undo(run);
   */
  undo(run?: string, o: UndoOptions = {}): Promise<Undone> {
    return undo(this.#open(), run, o);
  }

  /** What can still be brought back, run by run, the latest first; sizes are bytes. */
  trash(o: Signal = {}): AsyncIterable<RemovalRun> {
    return this.#open().catalog.runs(o);
  }

  /** Erases what waits in the trash, its time come or not. Nothing of it can be undone any more. */
  emptyTrash(o: EmptyTrashOptions = {}): Promise<{ readonly erased: number; readonly bytes: number }> {
    return emptyTrash(this.#open(), o);
  }

  /** Why the bytes of a digest stay: each root that keeps them, nearest first, with the chain of links. */
  why(digest: string, o: Signal = {}): AsyncIterable<Reason> {
    return why(this.#open(), parseDigest(digest), o);
  }

  /** Everything that is live of itself. */
  async *roots(o: Signal = {}): AsyncGenerator<Root> {
    yield* (await this.#open().catalog.graph(o)).allRoots(o);
  }

  /** Who uses how many bytes, alone and shared. */
  usage(o: Signal = {}): Promise<Usage> {
    return usage(this.#open(), o);
  }

  /**
   * What is damaged. Changes nothing, unless `repair` asks to mend it: from sound copies where there are any, and with
   * nothing destroyed. docs/repair.md says what is done about each finding.
   *
   * @example
   * for await (const { message, repaired } of store.check({ repair: true, from: [mirror.repository()] })) {
   *   console.log(message, repaired ?? "as it was");
   * }
   */
  check(o: CheckOptions = {}): AsyncIterable<Finding> {
    const parts = this.#open();
    if (o.repair && o.fast) throw new TypeError("a repair reads everything: `fast` and `repair` do not go together");
    const findings = o.repair ? repair(parts, o) : check(parts, o);
    return parts.emit ? told(findings, parts.emit) : findings;
  }

  /** What a run has taken out of use and not erased yet. */
  condemned(o: Signal = {}): AsyncIterable<Condemned> {
    return this.#open().catalog.condemned(o);
  }

  /** What deleting one blob would do: it goes only if nothing holds it. Changes nothing. See {@link planDeleteBlob}. */
  planDeleteBlob(digest: string, o: Pick<DeleteOptions, "signal" | "window"> = {}): Promise<Plan> {
    return planDeleteBlob(this.#open(), parseDigest(digest), o);
  }

  /** Bytes on their way in, and those that somebody has left half-way; sizes are bytes. */
  uploads(o: Signal = {}): AsyncIterable<UploadInfo> {
    return this.#open().blobs.uploads(o);
  }

  /** Gives an upload up, with its bytes. @throws `UPLOAD_UNKNOWN`; `LOCKED`, with who, if somebody is writing to it. */
  async dropUpload(id: string, o: Signal = {}): Promise<void> {
    await (await this.#open().blobs.upload(id, o)).abort(o);
  }

  /** The two halves, for tools that go below the library. */
  get parts(): Parts {
    return this.#open();
  }

  /** Harmless the second time. Everything else throws `CLOSED` from now on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#parts.catalog.close();
    await this.#parts.blobs.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(): Parts {
    if (this.#closed) throw new OciStoreError("CLOSED", "this store has been closed");
    return this.#parts;
  }
}

async function* told(findings: AsyncIterable<Finding>, emit: OnEvent): AsyncGenerator<Finding> {
  for await (const finding of findings) {
    emit({ event: "finding", finding });
    yield finding;
  }
}

/** Makes a store of any blob store and any catalog. The usual pairs have a function of their own in their package. */
export async function openStore(o: {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly env?: Environment;
  /** The care of what the backend keeps besides. */
  readonly upkeep?: Upkeep | undefined;
  /**
   * Told what has happened, for metrics.
   *
   * @example
   * let bytes = 0;
   * const onEvent = (each: StoreEvent) => {
   *   if (each.event === "stored") bytes += each.size;
   * };
   */
  readonly onEvent?: OnEvent | undefined;
}): Promise<Store> {
  const { upkeep, env = systemEnvironment } = o;
  if (!o.onEvent) return new Store({ blobs: o.blobs, catalog: o.catalog, env, upkeep });
  const emit = harmless(o.onEvent);
  const [blobs, catalog] = [observedBlobs(o.blobs, emit), observedCatalog(o.catalog, emit)];
  return new Store({ blobs, catalog, env, upkeep, emit });
}
