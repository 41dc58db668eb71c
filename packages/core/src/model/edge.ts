import type { Digest } from "./digest.ts";

/**
 * One manifest names one piece of content. `layer` also stands for the `blobs` of an artifact manifest, and `opaque` for a
 * digest that was found in a document of a type that is not known.
 */
export type EdgeKind = "config" | "layer" | "manifest" | "subject" | "opaque";

export interface Edge {
  readonly to: Digest;
  readonly kind: EdgeKind;
  /** What the manifest says the content is; absent where it says nothing. */
  readonly mediaType?: string;
  /** Bytes. */
  readonly size?: number;
  /** Set where the content may be missing and the manifest is still whole: a subject, a foreign layer with `urls`. */
  readonly optional?: true;
}

/**
 * Whether a manifest is not whole without it. A subject may always be missing, and so may what only a guess at an unknown
 * document's text has found.
 */
export function isRequired({ kind, optional }: Edge): boolean {
  return !optional && kind !== "subject" && kind !== "opaque";
}
