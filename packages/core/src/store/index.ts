export { type Reference, Repository } from "./repository.ts";
export { type ManifestBytes, type PutManifestOptions, Session } from "./session.ts";
export type { BlobBytes, BlobSource, DescribedBlob } from "./source.ts";
export { openStore, Store } from "./store.ts";
