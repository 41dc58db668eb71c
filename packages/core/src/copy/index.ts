export { type CopyingOptions, type CopyOptions, copy, copyAll } from "./copy.ts";
export type { Copied, CopyEvent, CopyReceipt, Tallies, Tally } from "./events.ts";
export { type ExtendedCopyOptions, extendedCopy, hasAnnotation, hasArtifactType } from "./extended.ts";
export { childFor, parsePlatformName } from "./platforms.ts";
export type { ReadableRepository, WritableRepository, WritableSession } from "./repositories.ts";
