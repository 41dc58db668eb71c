import type { Arrival } from "../../contract/catalog.ts";
import type { Signal } from "../../contract/environment.ts";
import type { Placement } from "../../contract/placement.ts";
import { bytesNode } from "../../liveness/node.ts";
import { isManifest } from "../refusals.ts";
import { type Context, graphOf } from "./context.ts";

/**
 * Takes a damaged copy out of use, for a sound one or for none. It is looked at again first: a push may have mended it since
 * it was found, and its place may be the same.
 */
export async function replaceCopy(
  ctx: Context,
  damaged: Placement,
  { by, confirm }: { readonly by?: Arrival | undefined; confirm(o?: Signal): Promise<boolean> },
): Promise<boolean> {
  const { draft, facts, o } = ctx;
  const { digest } = damaged;
  const used = await facts.locate(draft, digest, o);
  if (used?.generation !== damaged.generation || !(await confirm(o))) return false;
  if (!by) {
    await refuseManifest(ctx, damaged);
    draft.blobs.delete(digest);
    return true;
  }
  await by.publish(o);
  const { size, generation } = by.placement;
  if (facts.membership === "listed") return true;
  draft.blobs.set(digest, { ...used, size, generation });
  const record = draft.records.get(digest);
  if (record) draft.records.set(digest, { ...record, size, generation });
  return true;
}

/** Absent it would name nothing, and what it kept would be garbage; damaged it keeps a collection away. */
async function refuseManifest(ctx: Context, { digest }: Placement): Promise<void> {
  const graph = await graphOf(ctx);
  for (const parent of graph.parents(bytesNode(digest))) {
    if (parent.repository === undefined || parent.digest !== digest) continue;
    throw isManifest(digest);
  }
}
