import type { Change, CondemnItem } from "../contract/catalog.ts";
import type { Ms } from "../contract/environment.ts";
import type { Digest } from "../model/digest.ts";
import type { TagDecision } from "./ageing.ts";

/** The first line of a plan's file. */
export interface PlanHeader {
  readonly plan: "ocistore/1";
  /** Names the run that applies it. */
  readonly id: string;
  /** The store that it was made for; no other takes it. */
  readonly store: string;
  readonly created: Ms;
  readonly kind: "delete" | "collect";
  /** What is taken out of repositories before any bytes go out of use. */
  readonly changes: readonly { readonly repository: string; readonly steps: readonly Change[] }[];
  /** The tags that a rule takes away, and which; for people. `changes` has the steps. */
  readonly expired?:
    | readonly {
        readonly repository: string;
        readonly name: string;
        readonly digest: Digest;
        readonly reason: string;
      }[]
    | undefined;
  /** For a collection: only what arrived, or lost its last reason, before this. */
  readonly before?: Ms | undefined;
  /** How long the bytes can be brought back once condemned. */
  readonly hold: Ms;
}

/** Bytes that go, and why. */
export interface PlanItem extends CondemnItem {
  readonly reason: string;
}

/** Content that stays although the deletion reached it, or although nothing refers to it. */
export interface Kept {
  readonly digest: Digest;
  readonly size: number;
  /** `unreadable`: while a live manifest cannot be read, nothing it might name may go. `limit`: the next collection's. */
  readonly because: "live" | "grace" | "unreadable" | "limit";
  /** Who holds it, in words: tags, pins, claims, manifests. */
  readonly heldBy: readonly string[];
}

/**
 * What a deletion or a collection would do. Making one changes nothing; applying one does nothing that is not in it, and
 * looks at each item again. Kept in a file it is one JSON object a line, the header first ({@link toLines}).
 */
export interface Plan {
  readonly header: PlanHeader;
  readonly items: readonly PlanItem[];
  readonly kept: readonly Kept[];
  /** What the rules about tags make of each; not kept in a file. */
  readonly decisions?: readonly TagDecision[] | undefined;
  /** Candidates of the catalog's queue that are none, for {@link Catalog.review}; not kept in a file. */
  readonly reviewed?: readonly Digest[] | undefined;
  /** Garbage that the catalog's queue should have known of and did not: left alone, and to be reported. Not kept in a file. */
  readonly missed?: readonly Digest[] | undefined;
}

/** Sums of a plan's items, in bytes. */
export function planTotals({ items, kept }: Plan): {
  readonly removed: number;
  readonly bytes: number;
  readonly kept: number;
} {
  return { removed: items.length, bytes: items.reduce((sum, { size }) => sum + size, 0), kept: kept.length };
}
