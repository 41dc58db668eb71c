import {
  applied,
  type BlobStore,
  type Bytes,
  type CatalogCell,
  type CatalogState,
  CellCatalog,
  type Environment,
  emptyState,
  MemoryBlobs,
  type Ms,
  OciStoreError,
  openStore,
  type Policy,
  recordedFacts,
  type Store,
  type Upload,
} from "@ocistore/core";
import { seeded } from "../../../../packages/backend-fs/test/support/seeded.ts";
import type { Failure, Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";
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
      let now = startsAt;
      const advance = (ms: Ms) => {
        now += ms;
      };
      const chance = seeded(1);
      const env: Environment = {
        now: () => now,
        random: (bytes) => Uint8Array.from({ length: bytes }, () => chance() * 256),
        sleep: async (ms) => advance(ms),
      };
      const document = new Document(emptyState("memory", POLICY));
      const committed: Uint8Array[] = [];
      const blobs = new MemoryBlobs(env, { generations });
      const store = await storeOf(document.cell(alone), remembering(blobs, committed), env);
      await furnish(store, advance);
      const stored = new Set<string>();
      for await (const { digest, generation } of blobs.list()) stored.add(`${digest}@${generation}`);
      const since = startsAt;
      return {
        now,
        begin: (simulation) => new MemoryGround(simulation, document.state, { generations, committed, stored, since }),
      };
    },
  };
}

function storeOf(cell: CatalogCell, blobs: BlobStore, env: Environment): Promise<Store> {
  return openStore({ blobs, catalog: new CellCatalog(cell, { facts: recordedFacts, env, window: true }), env });
}

interface Template {
  readonly generations: boolean;
  /** All that was ever committed, in order, so that the places come out the same. */
  readonly committed: readonly Uint8Array[];
  readonly stored: ReadonlySet<string>;
  readonly since: Ms;
}

class MemoryGround implements Ground {
  readonly #document: Document;
  readonly #blobs: MemoryBlobs;
  readonly #ready: Promise<void>;
  readonly #generations: boolean;
  #holder: Process | undefined;
  #filling: Ms | undefined;

  constructor(simulation: Simulation, state: CatalogState, template: Template) {
    this.#document = new Document(state);
    this.#generations = template.generations;
    const now = () => this.#filling ?? simulation.now;
    const env = { now, random: (bytes: number) => new Uint8Array(bytes), sleep: async () => {} };
    this.#blobs = new MemoryBlobs(env, template);
    this.#ready = this.#fill(template);
  }

  async #fill({ committed, stored, since }: Template): Promise<void> {
    this.#filling = since;
    for (const bytes of committed) {
      const upload = await this.#blobs.upload("fill", { create: true });
      await upload.write(one(bytes), { at: 0 });
      const placement = await upload.commit(undefined);
      await upload.publish();
      if (stored.has(`${placement.digest}@${placement.generation}`)) continue;
      for await (const _ of this.#blobs.delete([placement]));
    }
    this.#filling = undefined;
  }

  async open(process: Process): Promise<Store> {
    await this.#ready;
    const cell = this.#document.cell({
      call: (name, perform) => process.call({ name, fails: UNAVAILABLE }, perform),
      exclusive: (fn) => (this.#generations ? fn() : this.#exclusive(process, fn)),
    });
    return storeOf(cell, scheduled(this.#blobs, process), process.env);
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

const UNAVAILABLE: readonly Failure[] = [
  { code: "UNAVAILABLE", error: () => new OciStoreError("UNAVAILABLE", "injected: no answer") },
];

/** The blobs as one process uses them. */
function scheduled(inner: MemoryBlobs, process: Process): BlobStore {
  const call = <T>(name: string, on: string, perform: () => T | Promise<T>) =>
    process.call({ name, on, fails: UNAVAILABLE }, perform);
  const uploadOf = (upload: Upload): Upload => ({
    id: upload.id,
    get offset() {
      return upload.offset;
    },
    write: async (chunks, o) => {
      let { at } = o;
      for await (const chunk of chunks) {
        at = await call("write", upload.id, () => upload.write(one(chunk), { at }));
      }
      return at;
    },
    commit: (digest, o) => call("commit", String(digest), () => upload.commit(digest, o)),
    publish: () => call("publish", upload.id, () => upload.publish()),
    release: () => call("release", upload.id, () => upload.release()),
    abort: () => call("abort", upload.id, () => upload.abort()),
  });
  return {
    capabilities: inner.capabilities,
    stat: (placement) => call("stat", placement.digest, () => inner.stat(placement)),
    async *read(placement, o) {
      yield* await call("read", placement.digest, () => all(inner.read(placement, o)));
    },
    upload: async (id, o) => uploadOf(await call("upload", id, () => inner.upload(id, o))),
    async *uploads() {
      yield* await call("uploads", "", () => all(inner.uploads()));
    },
    async *list() {
      const before = await call("list", "", () => all(inner.list()));
      const after = await call("list on", "", () => all(inner.list()));
      const placeOf = ({ digest, generation }: (typeof before)[number]) => `${digest}@${generation}`;
      const isIn = (list: typeof before, place: string) => list.some((each) => placeOf(each) === place);
      for (const [place, each] of new Map([...before, ...after].map((each) => [placeOf(each), each]))) {
        if ((isIn(before, place) && isIn(after, place)) || process.glimpse()) yield each;
      }
    },
    async *delete(placements) {
      for (const placement of placements) {
        yield* await call("delete", placement.digest, () => all(inner.delete([placement])));
      }
    },
    keepAside: (placement) => call("keep aside", placement.digest, () => inner.keepAside(placement)),
    close: async () => {},
  };
}

/** What is committed is written down. */
function remembering(blobs: MemoryBlobs, committed: Uint8Array[]): BlobStore {
  const upload: BlobStore["upload"] = async (id, o) => {
    const inner = await blobs.upload(id, o);
    const chunks: Uint8Array[] = [];
    return {
      ...inner,
      get offset() {
        return inner.offset;
      },
      write: async (source, at) => {
        for await (const chunk of source) {
          chunks.push(chunk.slice());
          await inner.write(one(chunk), { ...at, at: inner.offset });
        }
        return inner.offset;
      },
      commit: async (digest, options) => {
        committed.push(Buffer.concat(chunks));
        return inner.commit(digest, options);
      },
    };
  };
  return new Proxy<BlobStore>(blobs, {
    get: (target, key) => {
      if (key === "upload") return upload;
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function* one(bytes: Uint8Array): Bytes {
  yield bytes;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
