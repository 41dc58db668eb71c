import { type BlobStore, type Bytes, MemoryBlobs, type Ms, OciStoreError, type Upload } from "@ocistore/core";
import type { Failure, Process } from "../process.ts";
import type { Simulation } from "../simulation.ts";

/** What a store was furnished with. */
export interface Furnished {
  readonly generations: boolean;
  /** All that was ever committed, in order, so that the places come out the same. */
  readonly committed: readonly Uint8Array[];
  /** What is left of it. */
  readonly stored: ReadonlySet<string>;
  readonly since: Ms;
}

/** What a blob store in memory holds after all that was committed to it. */
export async function furnished(blobs: MemoryBlobs, committed: readonly Uint8Array[], since: Ms): Promise<Furnished> {
  const stored = new Set<string>();
  for await (const { digest, generation } of blobs.list()) stored.add(`${digest}@${generation}`);
  return { generations: blobs.capabilities.generations, committed, stored, since };
}

/** A blob store in memory that the processes of one run share, filled as it was furnished. */
export class SharedBlobs {
  readonly ready: Promise<void>;
  readonly #blobs: MemoryBlobs;
  #filling: Ms | undefined;

  constructor(simulation: Simulation, template: Furnished) {
    const now = () => this.#filling ?? simulation.now;
    const env = { now, random: (bytes: number) => new Uint8Array(bytes), sleep: async () => {} };
    this.#blobs = new MemoryBlobs(env, template);
    this.ready = this.#fill(template);
  }

  /** As one process uses it. */
  of(process: Process): BlobStore {
    return scheduled(this.#blobs, process);
  }

  /** All that a look at it could depend on. */
  async state(): Promise<string> {
    const stored = (await all(this.#blobs.list())).map((each) => `${each.digest}@${each.generation} ${each.since}`);
    const uploads = (await all(this.#blobs.uploads())).map(({ id, offset, touched }) => `${id} ${offset} ${touched}`);
    return [...stored, ...uploads].sort().join("\n");
  }

  async #fill({ committed, stored, since }: Furnished): Promise<void> {
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
}

export const UNAVAILABLE: readonly Failure[] = [
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
export function remembering(blobs: MemoryBlobs, committed: Uint8Array[]): BlobStore {
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

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
