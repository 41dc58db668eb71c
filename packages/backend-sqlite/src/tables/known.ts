import type { Digest } from "@ocistore/core";

/** So many digests are remembered, and then none. */
const MOST = 20_000;

/**
 * The numbers of digests and names. One that is given is never taken back, so who sees only what is committed may remember it; in a
 * transaction of one's own it is good until that ends.
 */
export class Known {
  readonly ids = new Map<Digest, number>();
  readonly digests = new Map<number, Digest>();
  readonly repositoryIds = new Map<string, number>();
  readonly repositories = new Map<number, string>();
  readonly types = new Map<number, string>();

  note(id: number, digest: Digest): void {
    if (this.ids.size >= MOST) {
      this.ids.clear();
      this.digests.clear();
    }
    this.ids.set(digest, id);
    this.digests.set(id, digest);
  }
}
