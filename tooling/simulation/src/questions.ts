import { type Digest, isOciStoreError, type Store } from "@ocistore/core";
import { BLOBS, type BlobName, blobDigest, closureOf, type Document, put } from "./content.ts";
import { Violation } from "./model.ts";
import type { Operation } from "./operations.ts";

/** Attaches it to its subject: whatever anybody was told is attached is in every listing from then on. */
export function attach(document: Document): Operation {
  const subject = document.subject!;
  return {
    name: `attach ${document.name} to ${subject.name}`,
    mayFail: [],
    async run({ repository, model }) {
      await repository.session((session) => put(session, document, []));
      model.attached.add(document);
      const wanted = [...model.attached].filter((each) => each.subject === subject);
      const listed = new Set<Digest>();
      for await (const { digest } of repository.referrers(subject.digest)) listed.add(digest);
      for (const { name, digest } of wanted) {
        if (!listed.has(digest)) throw new Violation(`${name} is attached, and not listed`);
      }
    },
  };
}

/** Asks by digest for what lives by this tag alone: once that is taken away, nobody finds it any more. */
export function lookUp(document: Document, tag: string): Operation {
  return {
    name: `look for ${document.name} by digest`,
    mayFail: [],
    async run({ repository, model }) {
      const from = model.time;
      const found = await repository.find(document.digest);
      const isGone = !model.history.allowed(tag, from, model.time).has(document.digest);
      if (found && isGone) throw new Violation(`${document.name} is found after it was taken away`);
    },
  };
}

const OTHER = "other";
const other = (store: Store) => store.repository(OTHER);

/** Has another repository hold a blob of this one, which is to be readable there for as long as that session goes on. */
export function mount(name: BlobName): Operation {
  return {
    name: `mount ${name}`,
    mayFail: [],
    async run({ store, model }) {
      await other(store).session(async (session) => {
        const digest = blobDigest(name);
        const held = await session.has([digest], { from: "" });
        if (![...held].includes(digest)) return;
        try {
          const bytes = await other(store).bytes(digest);
          if (Buffer.compare(bytes, BLOBS[name]) !== 0) throw new Violation(`${name} has other bytes`);
        } catch (error) {
          if (isOciStoreError(error, "NOT_FOUND") && model.isOrderly)
            throw new Violation(`${name} was held, and is gone`);
          throw error;
        }
      });
    },
  };
}

/** Asks in another repository for what only this one has. */
export function askElsewhere(document: Document): Operation {
  return {
    name: `ask for ${document.name} elsewhere`,
    mayFail: [],
    async run({ store }) {
      const digests = [...closureOf(document).keys()];
      for (const digest of digests) {
        if (await other(store).find(digest)) throw new Violation(`${document.name} is found in another repository`);
      }
      await other(store).session(async (session) => {
        const [held] = await session.has(digests);
        if (held) throw new Violation(`${held} is held in a repository that never had it`);
      });
    },
  };
}
