import { CellCatalog } from "../catalog/cell-catalog.ts";
import { recordedFacts } from "../catalog/facts.ts";
import type { Policy } from "../contract/catalog.ts";
import { checkedPolicy } from "../contract/checked.ts";
import type { Environment } from "../contract/environment.ts";
import { systemEnvironment } from "../contract/system-environment.ts";
import { openStore, type Store } from "../store/store.ts";
import { MemoryBlobs } from "./memory-blobs.ts";
import { memoryCell } from "./memory-cell.ts";

const HOUR = 60 * 60_000;
const DEFAULT_POLICY: Policy = { grace: HOUR, window: 0, wait: 0 };

/**
 * A store that lives as long as this process: for tests, and the reference for every other backend.
 *
 * @example
 * const store = await openMemory();
 * await store.repository("app").session((session) => session.putBlob(new TextEncoder().encode("hello")));
 */
export async function openMemory(
  o: { readonly env?: Environment; readonly policy?: Partial<Policy>; readonly generations?: boolean } = {},
): Promise<Store> {
  const env = o.env ?? systemEnvironment;
  const cell = memoryCell(env, checkedPolicy({ ...DEFAULT_POLICY, ...o.policy }));
  const catalog = new CellCatalog(cell, { facts: recordedFacts, env, window: true });
  return openStore({ blobs: new MemoryBlobs(env, { generations: o.generations ?? true }), catalog, env });
}
