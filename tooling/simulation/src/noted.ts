import { type BlobStore, type Catalog, openStore, type Store } from "@ocistore/core";
import type { Process } from "./process.ts";

/** Commands of a catalog that change it, or on whose answer something is built. */
const COMMANDS = new Set<keyof Catalog>([
  "claim",
  "add",
  "release",
  "change",
  "lease",
  "endLease",
  "condemn",
  "revive",
  "undo",
  "purge",
  "replaceCopy",
  "graph",
]);

/** The same store, whose trace says which command of the catalog a call belongs to, whatever the backend. */
export async function noted(store: Store, process: Process): Promise<Store> {
  const { catalog, blobs, env, upkeep } = store.parts;
  return openStore({ catalog: noting(catalog, process), blobs: listing(blobs, process), env, upkeep });
}

function noting(catalog: Catalog, process: Process): Catalog {
  return new Proxy(catalog, {
    get(target, key: keyof Catalog) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      const method = (value as (...args: unknown[]) => unknown).bind(target);
      if (key === "candidates") return told(key, method, process);
      if (!COMMANDS.has(key)) return method;
      return async (...args: unknown[]) => {
        process.note(`${key} begins`);
        try {
          const result = await method(...args);
          process.note(`${key} is done`);
          return result;
        } catch (error) {
          process.note(`${key} fails: ${error instanceof Error && "code" in error ? error.code : error}`);
          throw error;
        }
      };
    },
  });
}

function listing(blobs: BlobStore, process: Process): BlobStore {
  return new Proxy(blobs, {
    get(target, key: keyof BlobStore) {
      const value = Reflect.get(target, key);
      if (typeof value !== "function") return value;
      const method = (value as (...args: unknown[]) => unknown).bind(target);
      return key === "list" ? told(key, method, process) : method;
    },
  });
}

function told(name: string, method: (...args: unknown[]) => unknown, process: Process) {
  return async function* (...args: unknown[]) {
    process.note(`${name} begins`);
    yield* method(...args) as AsyncIterable<unknown>;
    process.note(`${name} is done`);
  };
}
