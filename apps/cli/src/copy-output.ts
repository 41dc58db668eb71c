import type { CopyEvent, CopyReceipt, Tallies } from "@ocistore/core";
import type { Context } from "./context.ts";
import { bar, size } from "./output/words.ts";

/** How far a copy has come, as its events tell. */
export class CopyProgress {
  readonly #manifests = { done: 0, found: 0 };
  readonly #bytes = { found: 0, copied: 0, mounted: 0, skipped: 0 };
  /** Blobs that are under way, and how much of each has come. */
  readonly #under = new Map<string, number>();

  note(event: CopyEvent): void {
    if (event.event === "tagged" || event.event === "kept") return;
    const { digest, size: bytes = 0 } = event.descriptor;
    if (event.event === "copying") this.#under.set(digest, event.bytes);
    else if (event.kind === "manifest") this.#manifests[event.event === "found" ? "found" : "done"] += 1;
    else {
      if (event.event !== "found") this.#under.delete(digest);
      this.#bytes[event.event] += bytes;
    }
  }

  /** As the summary in the end, and a bar before it: `Manifests: 3/4 | Blobs: 12 MB copied, 30 MB skipped`. */
  text(): string {
    const { done, found } = this.#manifests;
    const { found: all, copied, mounted, skipped } = this.#bytes;
    const under = [...this.#under.values()].reduce((sum, bytes) => sum + bytes, 0);
    const line = bar(copied + under + mounted + skipped, all);
    return `${line} Manifests: ${done}/${found} | Blobs: ${moved(copied + under, mounted, skipped)}`;
  }
}

function moved(copied: number, mounted: number, skipped: number): string {
  return `${size(copied)} copied${mounted > 0 ? `, ${size(mounted)} mounted` : ""}, ${size(skipped)} skipped`;
}

type Sums = Pick<CopyReceipt, "manifests" | "blobs" | "leftOut"> & Partial<Pick<CopyReceipt, "referrers">>;

/** The accounts of a copy: an object for programs, a line beside the result for people. */
export function copySummary({ out }: Context, { manifests, blobs, referrers, leftOut }: Sums, dryRun: boolean): void {
  const summary = {
    manifests: counts(manifests),
    blobs: counts(blobs),
    ...(referrers !== undefined && { referrers }),
    leftOut,
    ...(dryRun && { dryRun: true }),
  };
  out.object({ summary });
  if (out.json) return;
  const { copied, mounted, skipped } = blobs;
  const all = manifests.copied.count + manifests.mounted.count + manifests.skipped.count;
  const words = moved(copied.bytes, mounted.bytes, skipped.bytes);
  out.note({}, `${dryRun ? "would be: " : ""}Manifests: ${manifests.copied.count}/${all} | Blobs: ${words}`);
  if (leftOut.length > 0) out.note({}, `manifests left out, so that what names them is sparse: ${leftOut.length}`);
}

function counts({ copied, mounted, skipped }: Tallies) {
  return {
    copied: copied.count,
    copiedBytes: copied.bytes,
    skipped: skipped.count,
    skippedBytes: skipped.bytes,
    ...(mounted.count > 0 && { mounted: mounted.count, mountedBytes: mounted.bytes }),
  };
}
