import { applied, type CatalogCell, emptyState, randomId } from "@ocistore/core";
import type { ManualEnvironment } from "../src/index.ts";
import { POLICY } from "./support.ts";

/**
 * A cell without a lock, as an object behind `If-Match`: writers really run beside each other, every step takes its time,
 * and now and then a replacement is refused though nobody else was first (a request that was sent twice).
 */
export function lossyCell(env: ManualEnvironment, losses = 0.2): CatalogCell {
  let state = emptyState(randomId(env), POLICY);
  let version = 0;
  const turns = async () => {
    for (let turns = Math.floor(env.chance() * 6); turns > 0; turns--) await Promise.resolve();
  };
  return {
    exclusive: (fn) => fn(),
    load: async ({ signal } = {}) => {
      signal?.throwIfAborted();
      await turns();
      const loaded = { state, version: String(version) };
      await turns();
      return loaded;
    },
    replace: async (loaded, draft) => {
      await turns();
      if (loaded !== String(version) || env.chance() < losses) return false;
      state = applied(draft);
      version += 1;
      await turns();
      return true;
    },
    close: async () => {},
  };
}
