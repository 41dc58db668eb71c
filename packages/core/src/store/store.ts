import type { BlobStore } from "../contract/blob-store.ts";
import type { Catalog, Condemned, Page, Policy, Root } from "../contract/catalog.ts";
import { checkedPolicy } from "../contract/checked.ts";
import type { Environment, Signal } from "../contract/environment.ts";
import { systemEnvironment } from "../contract/system-environment.ts";
import { OciStoreError } from "../errors.ts";
import { type ApplyOptions, applyPlan, type Receipt } from "../gc/apply.ts";
import { type CheckOptions, check, type Finding } from "../gc/check.ts";
import { applyCollection, type CollectReceipt, collect } from "../gc/collect.ts";
import type { Parts } from "../gc/parts.ts";
import type { Plan } from "../gc/plan.ts";
import { type CollectOptions, planCollect } from "../gc/plan-collect.ts";
import { type Usage, usage } from "../gc/usage.ts";
import { type Reason, why } from "../gc/why.ts";
import { parseDigest } from "../model/digest.ts";
import { parseRepositoryName } from "../model/repository-name.ts";
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

  /**
   * Does what a plan says, of which each item is looked at again.
   *
   * @throws `CONFLICT` if the plan is another store's, or a tag in it has moved.
   */
  apply(plan: Plan, o: ApplyOptions = {}): Promise<Receipt | CollectReceipt> {
    const parts = this.#open();
    return plan.header.kind === "collect" ? applyCollection(parts, plan, o) : applyPlan(parts, plan, o);
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

  /** What is damaged. Changes nothing. */
  check(o: CheckOptions = {}): AsyncIterable<Finding> {
    return check(this.#open(), o);
  }

  /** What a run has taken out of use and not erased yet. */
  condemned(o: Signal = {}): AsyncIterable<Condemned> {
    return this.#open().catalog.condemned(o);
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

/** Makes a store of any blob store and any catalog. The usual pairs have a function of their own in their package. */
export async function openStore(o: {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly env?: Environment;
}): Promise<Store> {
  return new Store({ blobs: o.blobs, catalog: o.catalog, env: o.env ?? systemEnvironment });
}
