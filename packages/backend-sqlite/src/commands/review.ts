import { beingOf, bytesNode, type Digest, type GraphNode, type Ms, type Root, searchNow } from "@ocistore/core";
import { type Context, graphOf } from "./context.ts";

/**
 * Looks at candidates again. What something keeps that does not end by time has no business in the queue: when that goes, it
 * comes again. A claim or a pin may end without anything happening, so what hangs on those sleeps until then.
 */
export function review(ctx: Context, digests: readonly Digest[]): void {
  const { tables } = ctx;
  const { sql } = tables;
  for (const digest of digests) {
    const id = tables.id(digest);
    if (id === undefined || sql.isQueued.get(id) === undefined) continue;
    const ends = rootsOf(ctx, digest).map((root) => root && endOf(ctx, root));
    if (ends.includes(undefined)) continue;
    const first = Math.min(...(ends as Ms[]));
    if (first === Number.POSITIVE_INFINITY) sql.dequeue.run(id);
    else sql.sleep.run(first, id);
  }
}

/** What keeps it: the bytes, if they are in use, and it as a manifest of each repository; `undefined` for what nothing keeps. */
function rootsOf(ctx: Context, digest: Digest): (Root | undefined)[] {
  const { tables } = ctx;
  const graph = graphOf(ctx);
  const nodes: GraphNode[] = beingOf(graph.parents(bytesNode(digest)), digest);
  if (tables.blob(digest)) nodes.push(bytesNode(digest));
  return nodes.map((node) => {
    const verdict = searchNow(graph, node);
    return verdict.live ? verdict.root : undefined;
  });
}

/** When a root ends by itself. */
function endOf({ tables }: Context, { why, repository = "", name }: Root): Ms {
  const { sql } = tables;
  let row: unknown;
  if (why === "claim") row = sql.owner.get(name);
  if (why === "pin") row = sql.pin.get(tables.repositoryId(repository), name);
  return (row as { readonly until: Ms | null } | undefined)?.until ?? Number.POSITIVE_INFINITY;
}
