import {
  applied,
  type BlobStore,
  type CatalogCell,
  type CatalogState,
  CellCatalog,
  type CellFacts,
  type Digest,
  EMPTY_REPOSITORY,
  type Environment,
  emptyState,
  type Located,
  MemoryBlobs,
  openStore,
  type Store,
} from "@ocistore/core";
import { digestAt, EPOCH, edgesAt, listingOf, MANIFEST, nodesOf, numberOf, type Shape, sizeAt } from "./shape.ts";

/**
 * A store of any size that takes no memory of its own but for its listing: what lies there and what it names is worked out
 * when it is asked for, as a disk would read it. What a question about it costs is so the cost of the question.
 */
export async function openSynthetic(shape: Shape): Promise<Store & { readonly reads: () => number }> {
  const env: Environment = {
    now: () => EPOCH + 24 * 60 * 60_000,
    random: (size) => new Uint8Array(size),
    sleep: async () => {},
  };
  const facts = syntheticFacts(shape);
  const catalog = new CellCatalog(cellOf(shape), { facts, env, window: true });
  const store = await openStore({ blobs: blobsOf(shape, env), catalog, env });
  return Object.assign(store, { reads: () => facts.reads });
}

function syntheticFacts(shape: Shape): CellFacts & { reads: number } {
  const locate = (digest: Digest): Located | undefined => {
    const number = numberOf(digest);
    return number < nodesOf(shape) ? { digest, size: sizeAt(number), generation: "", since: EPOCH } : undefined;
  };
  return {
    membership: "listed",
    reads: 0,
    locate: async (_, digest) => locate(digest),
    glances: async (_, __, digests) =>
      digests.map((digest) => {
        const located = locate(digest);
        return { glance: located && { ...located, stamp: 0 } };
      }),
    async record(_, __, digest) {
      const number = numberOf(digest);
      if (number >= shape.manifests) return undefined;
      this.reads += 1;
      const placement = { digest, size: sizeAt(number), generation: "" };
      return { ...placement, mediaType: MANIFEST, edges: edgesAt(number, shape), pushed: EPOCH };
    },
    condemnedPlace: (placement) => placement,
  };
}

function cellOf(shape: Shape): CatalogCell {
  const repository = { ...EMPTY_REPOSITORY, ...listingOf(shape) };
  const policy = { grace: 0, window: 0, wait: 0 };
  let state: CatalogState = { ...emptyState("synthetic", policy), repositories: new Map([["", repository]]) };
  return {
    exclusive: (work) => work(),
    load: async () => ({ state, version: "" }),
    replace: async (_, draft) => {
      state = applied(draft);
      return true;
    },
    close: async () => {},
  };
}

function blobsOf(shape: Shape, env: Environment): BlobStore {
  const blobs: BlobStore = new MemoryBlobs(env, { generations: false });
  const nodes = nodesOf(shape);
  return Object.assign(blobs, {
    async *list(): AsyncGenerator<Located> {
      for (let number = 0; number < nodes; number++) {
        yield { digest: digestAt(number), size: sizeAt(number), generation: "", since: EPOCH };
      }
    },
  });
}
