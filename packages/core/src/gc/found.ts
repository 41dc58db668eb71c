import type { Change } from "../contract/catalog.ts";
import type { Digest } from "../model/digest.ts";
import type { Kept, PlanItem } from "./plan.ts";

/** What a search for garbage has come to. */
export interface Found {
  readonly items: PlanItem[];
  readonly kept: Kept[];
  /** Manifests that leave a repository first, in a catalog that keeps a record of each. */
  readonly changes: ReadonlyMap<string, readonly Change[]>;
  /** What was asked about and is kept. */
  readonly reviewed: readonly Digest[];
}
