export { Collector, type CollectorOptions } from "./collector.ts";
export { type Reference, Repository } from "./repository.ts";
export { type ManifestBytes, type PutBlobOptions, type PutManifestOptions, Session } from "./session.ts";
export type { BlobBytes, BlobBytesFrom, BlobSource, DescribedBlob } from "./source.ts";
export { openStore, Store } from "./store.ts";
export { verified } from "./verified.ts";
