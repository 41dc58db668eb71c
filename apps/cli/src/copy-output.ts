import type { CopyEvent, CopyReceipt, Tallies } from "@ocistore/core";
import type { Context } from "./context.ts";
import { size } from "./output/words.ts";

/** How far a copy has come, as its events tell. */
export class CopyProgress {
  #found = 0;
  #done = 0;
  #bytes = 0;
  /** Blobs that are under way, and how much of each has come. */
  readonly #under = new Map<string, number>();
  #total = 0;

  note(event: CopyEvent): void {
    if (event.event === "tagged" || event.event === "kept") return;
    const { digest, size: bytes = 0 } = event.descriptor;
    if (event.event === "found") {
      this.#found += 1;
      this.#total += bytes;
    } else if (event.event === "copying") {
      this.#under.set(digest, event.bytes);
    } else {
      this.#under.delete(digest);
      this.#done += 1;
      this.#bytes += bytes;
    }
  }

  /** `12 of 30  45.2 MB of 130 MB`. */
  text(): string {
    const under = [...this.#under.values()].reduce((sum, bytes) => sum + bytes, 0);
    return `${this.#done} of ${this.#found}  ${size(this.#bytes + under)} of ${size(this.#total)}`;
  }
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
  const mounts = mounted.count > 0 ? `, ${size(mounted.bytes)} mounted` : "";
  const moved = `${size(copied.bytes)} copied${mounts}, ${size(skipped.bytes)} skipped`;
  out.note({}, `${dryRun ? "would be: " : ""}Manifests: ${manifests.copied.count}/${all} | Blobs: ${moved}`);
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
