import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";

type Kind = "manifest" | "blob";

/** What a copy is about: of a blob that only a document of unknown type mentions, type and size may not be known. */
export type Copied = Pick<Descriptor, "digest"> & Partial<Pick<Descriptor, "mediaType" | "size">>;

/** What a copy tells while it is under way. Everything is `found` once, before anything is copied, and ends in one of three ways. */
export type CopyEvent =
  | Of<"found", Kind>
  /** `bytes`: so many have come so far. */
  | (Of<"copying", "blob"> & { readonly bytes: number })
  | Of<"copied", Kind>
  /** The store has it already, in another repository. */
  | Of<"mounted", Kind>
  /** It is there. */
  | Of<"skipped", Kind>
  | Tag<"tagged">
  /** The tag is on something that is not to be overwritten. */
  | Tag<"kept">;

interface Of<Event, K> {
  readonly event: Event;
  readonly kind: K;
  readonly descriptor: Copied;
}

interface Tag<Event> {
  readonly event: Event;
  readonly descriptor: Descriptor;
  readonly tag: string;
}

/** How many, and how many bytes. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
}

/** What became of all that a copy has found, each digest once. */
export type Tallies = { readonly [outcome in "copied" | "mounted" | "skipped"]: Tally };

export interface CopyReceipt {
  /** What was copied, as it is at the destination. */
  readonly root: Descriptor;
  readonly tags: readonly string[];
  readonly manifests: Tallies;
  readonly blobs: Tallies;
  /** How many of the manifests refer to others of them. */
  readonly referrers: number;
  /** Manifests that are named and were left out on purpose; what names them is sparse. */
  readonly leftOut: readonly Digest[];
}

/** Keeps the accounts of a copy, and tells what happens. */
export class Ledger {
  readonly #tell: ((event: CopyEvent) => void) | undefined;
  readonly #manifests = emptyTallies();
  readonly #blobs = emptyTallies();
  readonly #tags: string[] = [];
  readonly leftOut = new Set<Digest>();
  referrers = 0;

  constructor(tell: ((event: CopyEvent) => void) | undefined) {
    this.#tell = tell;
  }

  tell(event: CopyEvent): void {
    if (event.event === "tagged") this.#tags.push(event.tag);
    if (event.event === "copied" || event.event === "mounted" || event.event === "skipped") {
      const tally = (event.kind === "manifest" ? this.#manifests : this.#blobs)[event.event];
      tally.count += 1;
      tally.bytes += event.descriptor.size ?? 0;
    }
    this.#tell?.(event);
  }

  receipt(): Omit<CopyReceipt, "root"> {
    const { referrers, leftOut } = this;
    const tags = [...this.#tags];
    return { tags, manifests: this.#manifests, blobs: this.#blobs, referrers, leftOut: [...leftOut].sort() };
  }
}

function emptyTallies() {
  const empty = () => ({ count: 0, bytes: 0 });
  return { copied: empty(), mounted: empty(), skipped: empty() };
}
