import { type Bytes, isOciStoreError, OciStoreError } from "@ocistore/core";
import { type Mutant, over } from "./mutant.ts";

export const blobMutants: readonly Mutant[] = [
  {
    name: "stat tells another size",
    test: "reading: bytes come back as they were sent: one byte",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        stat: async (placement, o) => {
          const found = await blobs.stat(placement, o);
          return found && { ...found, size: found.size + 1 };
        },
      }),
    }),
  },
  {
    name: "the end of a range is the last byte",
    test: "reading: a range has the bytes from start up to end",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        read: (placement, o) => blobs.read(placement, o?.end === undefined ? o : { ...o, end: o.end + 1 }),
      }),
    }),
  },
  {
    name: "one buffer is used for every piece",
    test: "reading: pieces are plain Uint8Arrays, and are not written into again",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        read: async function* (placement, o): Bytes {
          const buffer = new Uint8Array(64 * 1024);
          for await (const piece of blobs.read(placement, o)) {
            buffer.set(piece);
            yield buffer.subarray(0, piece.length);
          }
        },
      }),
    }),
  },
  {
    name: "a cancelled read says that nothing is there",
    test: "cancelling: a read stops between two pieces",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        read: async function* (placement, o): Bytes {
          try {
            yield* blobs.read(placement, o);
          } catch (cause) {
            throw new OciStoreError("NOT_FOUND", "not found", {}, { cause });
          }
        },
      }),
    }),
  },
  {
    name: "absent reads as empty",
    test: "reading: what does not lie there is undefined to stat and NOT_FOUND to read",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        read: async function* (placement, o): Bytes {
          try {
            yield* blobs.read(placement, o);
          } catch (error) {
            if (!isOciStoreError(error, "NOT_FOUND")) throw error;
          }
        },
      }),
    }),
  },
  {
    name: "the list misses an item",
    test: "listing: everything is listed once, with its size and a time",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        list: async function* (o) {
          let first = true;
          for await (const located of blobs.list(o)) {
            if (!first) yield located;
            first = false;
          }
        },
      }),
    }),
  },
  {
    name: "the list repeats an item",
    test: "listing: listing while others write and delete neither fails nor repeats",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        list: async function* (o) {
          for await (const located of blobs.list(o)) {
            yield located;
            yield located;
          }
        },
      }),
    }),
  },
  {
    name: "deleting one place deletes all of the digest",
    test: "places: deleting one place leaves the other",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        delete: async function* (placements, o) {
          for (const placement of placements) {
            for await (const other of blobs.list()) {
              if (other.digest === placement.digest) for await (const _ of blobs.delete([other], o));
            }
            yield { placement };
          }
        },
      }),
    }),
  },
  {
    name: "deleting what is gone is an error",
    test: "deleting: each placement is answered, and what was gone before counts as gone",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        delete: async function* (placements, o) {
          for (const placement of placements) {
            if (await blobs.stat(placement)) yield* blobs.delete([placement], o);
            else yield { placement, error: new OciStoreError("NOT_FOUND", "not found") };
          }
        },
      }),
    }),
  },
];
