import { type Digest, type Ms, manifestNode, type Root, refusals } from "@ocistore/core";
import { type Context, graphOf } from "./context.ts";
import { dropTag, removeMember } from "./members.ts";

export interface Removals {
  /** These go, or the whole change fails; with the tags that may go with each, if not all may. */
  readonly forced: ReadonlyMap<Digest, readonly string[] | undefined>;
  /** These go if nothing keeps them once the forced ones have gone. */
  readonly ifDead: ReadonlySet<Digest>;
}

export async function removeAll(
  ctx: Context,
  repository: string,
  { forced, ifDead }: Removals,
  { before, run }: { readonly before?: Ms | undefined; readonly run?: string | undefined },
): Promise<Digest[]> {
  const { tables } = ctx;
  const removed: Digest[] = [];
  const graph = graphOf(ctx);
  // As it is before any of them goes: a tag is machinery of one that goes, though that one has gone before.
  const rootsOf = new Map<Digest, readonly Root[]>();
  for (const digest of forced.keys()) rootsOf.set(digest, graph.roots(manifestNode(repository, digest)));

  for (const [digest, tags] of forced) {
    await ctx.pause();
    if (!tables.member(repository, digest)) {
      const at = tables.at(repository, digest);
      if (run !== undefined && at && tables.sql.runMember.get(run, at.repository, at.id)) continue;
      throw refusals.notStored(digest);
    }
    const others = rootsOf.get(digest)!.filter(({ why, name }) => why === "tag" && !tags?.includes(name!));
    const holders = others.map(({ name }) => `tag ${name}`);
    if (tags && holders.length > 0) throw refusals.heldBy(digest, holders);
    take(ctx, repository, digest);
    removed.push(digest);
    // Only here: what is dropped has lost its last reason before, and its grace is counted from then.
    tables.touch(digest);
  }
  for (const digest of forced.keys()) {
    await ctx.pause();
    const holders = holdersOf(ctx, repository, digest);
    if (holders.length > 0) throw refusals.heldBy(digest, holders);
  }
  for (const digest of ifDead) {
    await ctx.pause();
    if (forced.has(digest) || !tables.member(repository, digest)) continue;
    if (graphOf(ctx, before).isLive(manifestNode(repository, digest))) continue;
    take(ctx, repository, digest);
    removed.push(digest);
  }
  return removed;
}

/** Its machinery goes with it; left behind such a tag would be a root, there being no subject any more. */
export function take(ctx: Context, repository: string, digest: Digest): void {
  for (const { name, to } of graphOf(ctx).machinery(repository, digest)) dropTag(ctx, repository, name, to);
  removeMember(ctx, repository, digest);
}

/** What still names it and is live, in words that say who. */
function holdersOf(ctx: Context, repository: string, digest: Digest): string[] {
  const graph = graphOf(ctx);
  const node = manifestNode(repository, digest);
  const roots = graph.roots(node).filter(({ why }) => why === "pin" || why === "claim");
  const naming = [...graph.parents(node), ...graph.referrers(node)].filter((holder) => graph.isLive(holder));
  return [...roots.map(({ why, name }) => `${why} ${name}`), ...new Set(naming.map((holder) => holder.digest))];
}
