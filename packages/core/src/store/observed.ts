import type { BlobStore, Upload } from "../contract/blob-store.ts";
import type { Catalog } from "../contract/catalog.ts";
import type { OnEvent } from "../contract/events.ts";

/** A catalog that tells what has happened, each time that it has. */
export function observedCatalog(catalog: Catalog, emit: OnEvent): Catalog {
  return over<Catalog>(catalog, {
    claim: async (owner, repository, digests, o) => {
      const held = await catalog.claim(owner, repository, digests, o);
      for (const { digest, size } of held.values()) emit({ event: "reused", repository, digest, size });
      return held;
    },
    add: async (owner, repository, arrivals, o) => {
      await catalog.add(owner, repository, arrivals, o);
      for (const { placement } of arrivals) {
        emit({ event: "stored", repository, digest: placement.digest, size: placement.size });
      }
    },
    change: async (repository, changes, o) => {
      const removed = await catalog.change(repository, changes, o);
      for (const step of changes) {
        if (step.do === "put") {
          const { digest, size, mediaType } = step.manifest;
          emit({ event: "manifest", repository, digest, size, mediaType });
        }
        if (step.do === "tag") emit({ event: "tagged", repository, name: step.name, digest: step.to });
        if (step.do === "untag") emit({ event: "untagged", repository, name: step.name });
      }
      for (const digest of removed) emit({ event: "removed", repository, digest });
      return removed;
    },
    condemn: async (items, o) => {
      const condemned = await catalog.condemn(items, o);
      if (condemned.length > 0) emit({ event: "condemned", run: o.run, count: condemned.length });
      return condemned;
    },
    purge: async (erase, o) => {
      const done = await catalog.purge(erase, o);
      const runs = new Map<string, { count: number; size: number }>();
      for (const { run, size } of done.purged) {
        const before = runs.get(run) ?? { count: 0, size: 0 };
        runs.set(run, { count: before.count + 1, size: before.size + size });
      }
      for (const [run, sum] of runs) emit({ event: "erased", run, ...sum });
      if (done.revived.length > 0) emit({ event: "restored", count: done.revived.length });
      return done;
    },
    revive: async (digests, o) => {
      const revived = await catalog.revive(digests, o);
      if (revived.length > 0) emit({ event: "restored", count: revived.length });
      return revived;
    },
    undo: async (run, o) => {
      const undone = await catalog.undo(run, o);
      if (undone.content.length > 0) emit({ event: "restored", count: undone.content.length });
      return undone;
    },
  });
}

/** A blob store that tells of uploads that go on, and of those that do not. */
export function observedBlobs(blobs: BlobStore, emit: OnEvent): BlobStore {
  return over<BlobStore>(blobs, {
    upload: async (id, o) => {
      const upload = await blobs.upload(id, o);
      if (o?.create) return upload;
      emit({ event: "upload", id, what: "resumed", offset: upload.offset });
      let isCommitted = false;
      return over<Upload>(upload, {
        commit: async (digest, options) => {
          const placement = await upload.commit(digest, options);
          isCommitted = true;
          return placement;
        },
        abort: async (options) => {
          await upload.abort(options);
          // After it has been committed that only tidies up.
          if (!isCommitted) emit({ event: "upload", id, what: "abandoned", offset: upload.offset });
        },
      });
    },
  });
}

/** `target` with some other methods; the others keep their `this`. */
function over<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get: (_, key) => {
      if (Object.hasOwn(methods, key)) return methods[key as keyof T];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
