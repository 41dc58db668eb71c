import type { Digest } from "../model/digest.ts";
import type { Ms } from "./environment.ts";
import type { Finding } from "./finding.ts";

/**
 * What has happened in a store, for whoever counts: told after it is durable, once, in the order in which it happened here.
 * Sizes are bytes. What other processes do is not told. More kinds may be added in a minor release.
 */
export type StoreEvent =
  /** New bytes. */
  | { readonly event: "stored"; readonly repository: string; readonly digest: Digest; readonly size: number }
  /** Somebody asked for bytes and they were there, so that none had to be sent. */
  | { readonly event: "reused"; readonly repository: string; readonly digest: Digest; readonly size: number }
  | {
      readonly event: "manifest";
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
      readonly mediaType: string;
    }
  | { readonly event: "tagged"; readonly repository: string; readonly name: string; readonly digest: Digest }
  | { readonly event: "untagged"; readonly repository: string; readonly name: string }
  /** A manifest that went out of a repository. Its bytes may stay. */
  | { readonly event: "removed"; readonly repository: string; readonly digest: Digest }
  /** Bytes out of use, and how many digests. */
  | { readonly event: "condemned"; readonly run: string; readonly count: number }
  | { readonly event: "erased"; readonly run: string; readonly count: number; readonly size: number }
  /** Bytes in use again: an undo, a second look, a repair. */
  | { readonly event: "restored"; readonly count: number }
  | { readonly event: "upload"; readonly id: string; readonly what: "resumed" | "abandoned"; readonly offset: number }
  /** Somebody else held the store; told only if that took any time. */
  | { readonly event: "waited"; readonly ms: Ms }
  /** Somebody else was first, and a command has to be worked out anew. */
  | { readonly event: "retried"; readonly attempt: number }
  | { readonly event: "finding"; readonly finding: Finding };

/** Must return at once. What it throws, or rejects with, is lost: counting never breaks what is counted. */
export type OnEvent = (event: StoreEvent) => void;

/** The handler, of whose failures nothing is heard. */
export function harmless(onEvent: OnEvent): OnEvent {
  return (event) => {
    try {
      const result: unknown = onEvent(event);
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // Not ours, and the operation has happened all the same.
    }
  };
}
