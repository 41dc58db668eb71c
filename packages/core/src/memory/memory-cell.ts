import { applied } from "../catalog/apply.ts";
import type { CatalogCell } from "../catalog/cell-catalog.ts";
import type { Draft } from "../catalog/draft.ts";
import type { CatalogState } from "../catalog/state.ts";
import type { Policy } from "../contract/catalog.ts";
import { type Environment, randomId } from "../contract/environment.ts";
import { Mutex } from "./mutex.ts";

export function emptyState(identity: string, policy: Policy): CatalogState {
  return {
    identity,
    policy,
    repositories: new Map(),
    lost: new Map(),
    blobs: new Map(),
    records: new Map(),
    claims: new Map(),
    condemned: new Map(),
    runs: new Map(),
    leases: new Map(),
    faults: [],
  };
}

/** A document that is a variable. Its states are never changed in place, so whoever has loaded one keeps that moment. */
export function memoryCell(env: Environment, policy: Policy): CatalogCell {
  let state = emptyState(randomId(env), policy);
  let version = 0;
  const mutex = new Mutex();
  return {
    exclusive: (fn, o) => mutex.run(fn, o),
    load: async () => ({ state, version: String(version) }),
    replace: async (loaded: string, draft: Draft) => {
      if (loaded !== String(version)) return false;
      state = applied(draft);
      version += 1;
      return true;
    },
    close: async () => {},
  };
}
