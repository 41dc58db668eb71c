import { type CollectReceipt, isOciStoreError } from "@ocistore/core";
import type { Worker } from "./work.ts";

/** From the end of one collection to the next: often enough that one is always about to begin beside a push. */
const EVERY = 100;

/** Collects in the background, as a server does, and writes down what became of each. @returns What ends it. */
export function collecting({ store, journal, grace }: Worker): () => Promise<void> {
  const what = grace === 0 ? "collect at once" : "collect";
  const collector = store.collector({
    every: EVERY,
    grace: grace ?? undefined,
    onCollected: ({ removed, condemned }: CollectReceipt) => {
      journal.end(journal.begin({ what }), { outcome: "done", count: removed + condemned });
    },
    onFailed: (error) => {
      const n = journal.begin({ what });
      if (isOciStoreError(error)) journal.end(n, { outcome: "refused", code: error.code, message: error.message });
      else journal.end(n, { outcome: "failed", message: String((error as Error)?.stack ?? error) });
    },
  });
  collector.start();
  return () => collector.stop();
}
