import { type BlobStore, type Bytes, OciStoreError, type Upload } from "@ocistore/core";
import { type Mutant, over } from "./mutant.ts";

function uploading(blobs: BlobStore, change: (upload: Upload) => Partial<Upload>): { blobs: BlobStore } {
  return {
    blobs: over(blobs, {
      upload: async (id, o) => {
        const upload = await blobs.upload(id, o);
        return over(upload, change(upload));
      },
    }),
  };
}

export const uploadMutants: readonly Mutant[] = [
  {
    name: "commit does not compare the digest",
    test: "uploads: wrong bytes are a DIGEST_MISMATCH and leave nothing",
    break: ({ blobs }) => uploading(blobs, (upload) => ({ commit: (_, o) => upload.commit(undefined, o) })),
  },
  {
    name: "commit does not compare the size",
    test: "uploads: too few bytes are a SIZE_MISMATCH and leave nothing",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({ commit: (digest, o) => upload.commit(digest, { signal: o?.signal }) })),
  },
  {
    name: "a commit that fails leaves the upload",
    test: "uploads: too many bytes are a SIZE_MISMATCH and leave nothing",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({
        commit: async (digest, o) => {
          if (o?.size !== undefined && o.size !== upload.offset) throw new OciStoreError("SIZE_MISMATCH", "wrong size");
          return upload.commit(digest, o);
        },
      })),
  },
  {
    name: "a write goes to the end wherever it was meant for",
    test: "uploads: a write at another place than the end is a CONFLICT and changes nothing",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({ write: (chunks, o) => upload.write(chunks, { ...o, at: upload.offset }) })),
  },
  {
    name: "a source's error is reported as one of the store's",
    test: "uploads: a source that fails half-way fails the write with its own error, and leaves nothing visible",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({
        write: (chunks, o) =>
          upload.write(chunks, o).catch((cause: unknown) => {
            throw new OciStoreError("UNAVAILABLE", "the upload failed", {}, { cause });
          }),
      })),
  },
  {
    name: "a source that fails half-way passes for one that has ended",
    test: "sessions: a source that fails, or sends too little, too much or something else, leaves nothing",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({
        write: (chunks, o) => {
          const quiet = async function* (): Bytes {
            try {
              yield* chunks;
            } catch {
              // Taken for the end.
            }
          };
          return upload.write(quiet(), o);
        },
      })),
  },
  {
    name: "an upload that goes on has lost its bytes",
    test: "resuming: after a source has failed it goes on from the offset",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        upload: async (id, o) => {
          const upload = await blobs.upload(id, o);
          if (o?.create) return upload;
          const { offset } = upload;
          await upload.abort();
          const empty = await blobs.upload(id, { create: true });
          await empty.write(zeros(offset), { at: 0 });
          return empty;
        },
      }),
    }),
  },
  {
    name: "to let go of an upload is to give it up",
    test: "resuming: what is released goes on, committed or not, in whoever opens it next",
    break: ({ blobs }) => uploading(blobs, (upload) => ({ release: () => upload.abort() })),
  },
  {
    name: "an upload that is being written to is given up",
    test: "resuming: while somebody writes to it, it is not given up, and the list says so",
    break: ({ blobs }) => uploading(blobs, (upload) => ({ abort: () => upload.abort().catch(() => {}) })),
  },
  {
    name: "the list does not say who is writing",
    test: "resuming: while somebody writes to it, it is not given up, and the list says so",
    break: ({ blobs }) => ({
      blobs: over(blobs, {
        uploads: async function* (o) {
          for await (const { id, offset, touched } of blobs.uploads(o)) yield { id, offset, touched };
        },
      }),
    }),
  },
  {
    name: "a handle that is behind writes at the end all the same",
    test: "resuming: a handle that is behind writes nothing, and takes nothing away",
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({ write: (chunks, o) => upload.write(chunks, { ...o, at: upload.offset }) })),
  },
  {
    name: "committed bytes have their name before they are known",
    test: "places: committed bytes do not lie at their place before they are published",
    generations: false,
    break: ({ blobs }) =>
      uploading(blobs, (upload) => ({
        commit: async (digest, o) => {
          const placement = await upload.commit(digest, o);
          await upload.publish();
          return placement;
        },
      })),
  },
  {
    name: "open uploads are not listed",
    test: "uploads: open uploads are listed with their offset until they end",
    break: ({ blobs }) => ({ blobs: over(blobs, { uploads: async function* () {} }) }),
  },
  {
    name: "nobody looks whether the bytes are still there",
    test: "claims: bytes that were collected before they were added are refused",
    break: ({ blobs }) => uploading(blobs, () => ({ publish: async () => {} })),
  },
];

async function* zeros(length: number): Bytes {
  yield new Uint8Array(length);
}
