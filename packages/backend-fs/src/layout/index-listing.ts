import {
  type Digest,
  digestOf,
  type Environment,
  type Listed,
  type Listing,
  type Membership,
  OciStoreError,
  type PreparedListing,
  type ReadListing,
  RepositoryDraft,
  type Signal,
} from "@ocistore/core";
import type { Directories } from "../files/durable.ts";
import { reported } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { readWhole } from "../files/read.ts";
import { replaceOurs } from "../sidecar/json-file.ts";
import { INDEX_LIMIT, IndexDocument } from "./index-document.ts";
import type { Paths } from "./paths.ts";
import { whole } from "./torn.ts";

/** Whoever writes again so soon may leave the same time and size: a clock of files ticks every few milliseconds. */
const YOUNG = 100;

export interface IndexListingGround {
  readonly fs: FileSystem;
  readonly paths: Paths;
  readonly env: Environment;
  readonly directories: Directories;
  readonly readOnly: boolean;
}

/** index.json as what other tools read, for a catalog that keeps its record elsewhere. */
export class IndexListing implements Listing {
  readonly #ground: IndexListingGround;
  #last: { readonly bytes: Uint8Array; readonly listing: ReadListing } | undefined;

  constructor(ground: IndexListingGround) {
    this.#ground = ground;
  }

  async stamp({ signal }: Signal = {}): Promise<string | undefined> {
    signal?.throwIfAborted();
    const { fs, paths, env } = this.#ground;
    const stat = await reported("look at index.json", paths.index, () => fs.lstat(paths.index));
    if (!stat) throw noIndex(paths.index);
    const { identity, size, modified } = stat;
    return Math.abs(env.now() - modified) < YOUNG ? undefined : `${identity} ${size} ${modified}`;
  }

  async read({ signal }: Signal = {}): Promise<ReadListing> {
    return whole(() => this.#read(), this.#ground.env, { signal });
  }

  async #read(): Promise<ReadListing> {
    const { fs, paths } = this.#ground;
    const bytes = await readWhole(fs, paths.index, INDEX_LIMIT);
    if (!bytes) throw noIndex(paths.index);
    if (!this.#last || Buffer.compare(this.#last.bytes, bytes) !== 0) {
      this.#last = { bytes, listing: this.#listingOf(bytes) };
    }
    return this.#last.listing;
  }

  #listingOf(bytes: Uint8Array): ReadListing {
    const document = IndexDocument.parse(bytes, {});
    const { tags, manifests } = document.repository;
    const hash = digestOf(bytes);
    return {
      hash,
      faults: document.faults,
      tags,
      manifests,
      with: (wanted) => this.#prepared(hash, bytes, document, wanted),
    };
  }

  #prepared(before: Digest, bytes: Uint8Array, document: IndexDocument, wanted: Listed): PreparedListing {
    const draft = draftOf(document, wanted);
    // One that says what is wanted stays to the letter, however it is formatted.
    const next = draft.changed ? document.with(draft) : bytes;
    return { hash: digestOf(next), write: () => this.#write(before, next) };
  }

  async #write(before: Digest, next: Uint8Array): Promise<boolean> {
    const { fs, paths, directories, readOnly } = this.#ground;
    if (readOnly) throw new OciStoreError("READ_ONLY", "this layout was opened for reading", { path: paths.root });
    await directories.ensure(paths.ours);
    const isStillTheSame = async () => {
      const present = await readWhole(fs, paths.index, INDEX_LIMIT);
      return present !== undefined && digestOf(present) === before;
    };
    return reported("replace index.json", paths.index, () =>
      replaceOurs(fs, paths.index, paths.fresh("index.json"), next, isStillTheSame),
    );
  }
}

/** What has to change for the document to list just what is wanted. */
function draftOf({ repository }: IndexDocument, { tags, manifests }: Listed): RepositoryDraft {
  const draft = new RepositoryDraft(repository);
  const tagged = new Set(tags.values());
  for (const name of repository.tags.keys()) if (!tags.has(name)) draft.tags.delete(name);
  for (const [name, digest] of tags) if (repository.tags.get(name) !== digest) draft.tags.set(name, digest);
  for (const digest of repository.manifests.keys()) if (!manifests.has(digest)) draft.manifests.delete(digest);
  for (const [digest, { own, ...listed }] of manifests) {
    const present = repository.manifests.get(digest);
    const isAsWanted = present && (tagged.has(digest) || (present.own === true) === (own === true));
    if (isAsWanted) continue;
    const membership: Membership = { pushed: 0, ...listed, ...present, own: own ? true : undefined };
    draft.manifests.set(digest, membership);
  }
  return draft;
}

function noIndex(path: string): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", `not an image layout, there is no index.json: ${path}`, { path });
}
