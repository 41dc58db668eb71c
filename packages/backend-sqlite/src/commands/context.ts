import type { Digest, Environment, Ms } from "@ocistore/core";
import { TablesGraph } from "../graph/tables-graph.ts";
import type { Tables } from "../tables/tables.ts";
import type { Journal } from "./journal.ts";

/** What a command works on, inside its transaction. */
export interface Context {
  readonly tables: Tables;
  /** The tables as they were before this transaction: its own changes are not in them. */
  readonly before: Tables;
  readonly env: Environment;
  /** Whether a digest has one fixed place, so that bytes come and go inside the transaction. */
  readonly fixedNames: boolean;
  /** Lets the rest of this process go on, if this command has kept it for long. The transaction stays open meanwhile. */
  pause(): Promise<void>;
  /** What this command takes out, if that is to be written down. */
  readonly journal?: Journal | undefined;
}

export function graphOf({ tables }: Context, youngAfter?: Ms | undefined): TablesGraph {
  return new TablesGraph(tables, { youngAfter });
}

/** Something has lost a reason to live: if it was the last, its grace starts now, and it is looked at when that is over. */
export function lose(ctx: Context, digest: Digest): void {
  ctx.tables.touch(digest);
  ctx.tables.enqueue(digest);
}
