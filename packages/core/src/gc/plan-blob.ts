import { checkedTime } from "../contract/checked.ts";
import { randomId } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import { beingOf, bytesNode } from "../liveness/node.ts";
import { searchAsync } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import { holdersOf } from "./describe.ts";
import type { Parts } from "./parts.ts";
import type { Kept, Plan, PlanItem } from "./plan.ts";
import type { DeleteOptions } from "./plan-delete.ts";
import { liveUnreadable } from "./unreadable.ts";

/**
 * Works out the deletion of one blob: it alone goes, and only if nothing holds it. Of a blob that a live manifest may name
 * though nobody can read it, the plan says that it is kept.
 *
 * @throws `NOT_FOUND`; `IN_USE` with the holders; `UNSUPPORTED` if it is a manifest, which is deleted as one.
 */
export async function planDeleteBlob(
  { catalog, env }: Parts,
  digest: Digest,
  o: Pick<DeleteOptions, "signal" | "window"> = {},
): Promise<Plan> {
  const graph = await catalog.graph(o);
  const located = await graph.locate(undefined, digest, o);
  if (!located) throw new OciStoreError("NOT_FOUND", `${digest} is not stored here`, { reference: digest });
  if (beingOf(await graph.parents(bytesNode(digest), o), digest).length > 0) {
    throw new OciStoreError("UNSUPPORTED", `${digest} is a manifest, and is deleted as one`, { digest });
  }
  const verdict = await searchAsync(graph, bytesNode(digest));
  if (verdict.live) {
    const holders = holdersOf(verdict);
    throw new OciStoreError("IN_USE", `${digest} is held by ${holders.join(", ")}`, { digest, holders });
  }
  const { size, generation } = located;
  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const heldBy = await liveUnreadable(graph, graph);
  if (heldBy.length > 0) kept.push({ digest, size, because: "unreadable", heldBy });
  else items.push({ digest, size, generation, kind: "blob", reason: "deleted by digest" });
  const policy = await catalog.policy(o);
  return {
    header: {
      plan: "ocistore/1",
      id: randomId(env),
      store: await catalog.identity(o),
      created: env.now(),
      kind: "delete",
      changes: [],
      hold: checkedTime(o.window ?? policy.window, "window"),
    },
    items,
    kept,
  };
}
