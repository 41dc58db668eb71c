import {
  type BlobStore,
  type CatalogCell,
  CellCatalog,
  MemoryBlobs,
  memoryCell,
  OciStoreError,
  recordedFacts,
} from "@ocistore/core";
import type { Factory, Pair } from "../../src/index.ts";
import { POLICY } from "../support.ts";
import { over } from "./mutant.ts";

/** How a blob store tells that the storage below it has failed. */
export type Telling = (error: Error) => Error;

export const asItIs: Telling = (cause) => new OciStoreError("UNAVAILABLE", "the storage failed", {}, { cause });
export const asAbsent: Telling = (cause) => new OciStoreError("NOT_FOUND", "no such blob", {}, { cause });

/** The memory backend over a storage that can be made to fail. */
export function faultyFactory(tell: Telling): Factory {
  return async (env) => {
    const cell: CatalogCell = memoryCell(env, POLICY);
    const sound = new MemoryBlobs(env);
    let failure: Error | undefined;
    const mayFail = () => {
      if (failure) throw tell(failure);
    };
    const blobs: BlobStore = over<BlobStore>(sound, {
      stat: async (placement, o) => {
        mayFail();
        return sound.stat(placement, o);
      },
      read: async function* (placement, o) {
        mayFail();
        yield* sound.read(placement, o);
      },
      list: async function* (o) {
        mayFail();
        yield* sound.list(o);
      },
      delete: async function* (placements, o) {
        for (const placement of placements) {
          if (failure) yield { placement, error: tell(failure) };
          else yield* sound.delete([placement], o);
        }
      },
    });
    const open = (): Pair => ({ blobs, catalog: new CellCatalog(cell, { facts: recordedFacts, env, window: true }) });
    const fail = (error: Error | undefined) => {
      failure = error;
    };
    return { ...open(), reopen: async () => open(), faults: { fail }, close: async () => {} };
  };
}
