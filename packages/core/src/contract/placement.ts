import type { Digest } from "../model/digest.ts";
import type { Ms } from "./environment.ts";

/** Bytes, in pieces of any size. A consumer may keep a piece; a producer never writes into one again. */
export type Bytes = AsyncIterable<Uint8Array>;

/**
 * Where one copy of the bytes of a digest lies. `generation` is opaque outside the blob store that made it; it is `""`
 * where a digest has one fixed place.
 */
export interface Placement {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly generation: string;
}

/** A placement, and the time from which its grace counts: its arrival, or the loss of its last reason to be kept. */
export interface Located extends Placement {
  readonly since: Ms;
}
