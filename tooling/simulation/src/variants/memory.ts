import {
  applied,
  type BlobStore,
  type CatalogCell,
  type CatalogState,
  CellCatalog,
  type Environment,
  emptyState,
  MemoryBlobs,
  openStore,
  type Policy,
  recordedFacts,
  type Store,
} from "@ocistore/core";
import type { Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";
import { Furnishing } from "./furnishing.ts";
import { type Furnished, furnished, remembering, SharedBlobs, UNAVAILABLE } from "./shared-blobs.ts";
import type { Ground, Prepared, Variant } from "./variant.ts";

const POLICY: Policy = { grace: 60 * 60_000, window: 0, wait: 0 };

/**
 * Memory that several processes share, one load or replacement of the document and one call of the blob store at a time.
 *
 * @param o.names `own`: each upload has a place of its own and the document has no lock, so who is late works it out anew: as
 * it will be on S3. `fixed`: a digest has one place, and the document is locked.
 */
export function memory(o: { readonly names: "own" | "fixed" }): Variant {
  const generations = o.names === "own";
  return {
    name: generations ? "memory" : "memory with fixed names",
    async prepare(startsAt, furnish): Promise<Prepared> {
      const env = new Furnishing(startsAt);
      const document = new Document(emptyState("memory", POLICY));
      const committed: Uint8Array[] = [];
      const blobs = new MemoryBlobs(env, { generations });
      const store = await storeOf(document.cell(alone), remembering(blobs, committed), env);
      await furnish(store, env.advance);
      const template = await furnished(blobs, committed, startsAt);
      return { now: env.now(), begin: (simulation) => new MemoryGround(simulation, document.state, template) };
    },
  };
}

function storeOf(cell: CatalogCell, blobs: BlobStore, env: Environment): Promise<Store> {
  return openStore({ blobs, catalog: new CellCatalog(cell, { facts: recordedFacts, env, window: true }), env });
}

class MemoryGround implements Ground {
  readonly #document: Document;
  readonly #blobs: SharedBlobs;
  readonly #generations: boolean;
  #holder: Process | undefined;

  constructor(simulation: Simulation, state: CatalogState, template: Furnished) {
    this.#document = new Document(state);
    this.#generations = template.generations;
    this.#blobs = new SharedBlobs(simulation, template);
  }

  async open(process: Process): Promise<Store> {
    await this.#blobs.ready;
    const cell = this.#document.cell({
      call: (name, perform) => process.call({ name, fails: UNAVAILABLE }, perform),
      exclusive: (fn) => (this.#generations ? fn() : this.#exclusive(process, fn)),
    });
    return storeOf(cell, this.#blobs.of(process), process.env);
  }

  leftOver(): string[] {
    return [];
  }

  async #exclusive<T>(process: Process, fn: () => Promise<T>): Promise<T> {
    const possible = () => this.#holder === undefined || !this.#holder.isAlive;
    await process.call({ name: "lock", possible }, () => {
      this.#holder = process;
    });
    try {
      return await fn();
    } finally {
      if (this.#holder === process) this.#holder = undefined;
    }
  }
}

interface Access {
  call<T>(name: string, perform: () => T): Promise<T>;
  exclusive<T>(fn: () => Promise<T>): Promise<T>;
}

const alone: Access = { call: async (_, perform) => perform(), exclusive: (fn) => fn() };

/** The document that processes share. */
class Document {
  state: CatalogState;
  #version = 0;

  constructor(state: CatalogState) {
    this.state = state;
  }

  cell({ call, exclusive }: Access): CatalogCell {
    return {
      exclusive: (fn) => exclusive(fn),
      load: () => call("load", () => ({ state: this.state, version: String(this.#version) })),
      replace: (version, draft) =>
        call("replace", () => {
          if (version !== String(this.#version)) return false;
          this.state = applied(draft);
          this.#version += 1;
          return true;
        }),
      close: async () => {},
    };
  }
}
