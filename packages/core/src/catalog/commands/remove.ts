import { OciStoreError } from "../../errors.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import type { RepositoryGraph } from "../graph/repository-graph.ts";
import type { StoreGraph } from "../graph/store-graph.ts";
import type { Membership } from "../state.ts";
import { type Context, graphOf } from "./context.ts";
import { removeMember } from "./members.ts";

export interface Removals {
  /** These go, or the whole change fails. */
  readonly forced: ReadonlySet<Digest>;
  /** These go if nothing keeps them once the forced ones have gone. */
  readonly ifDead: ReadonlySet<Digest>;
}

export async function removeAll(
  ctx: Context,
  repository: string,
  { forced, ifDead }: Removals,
): Promise<(readonly [Digest, Membership])[]> {
  if (forced.size === 0 && ifDead.size === 0) return [];
  refuseWhileFaulty(ctx);
  const removed: (readonly [Digest, Membership])[] = [];
  const before = (await graphOf(ctx)).repository(repository);
  const take = (digest: Digest) => {
    if (before) dropMachineryTags(ctx, before, digest);
    const membership = removeMember(ctx, repository, digest);
    if (membership) removed.push([digest, membership]);
  };

  for (const digest of forced) {
    await mustBeStored(ctx, repository, digest);
    take(digest);
    ctx.draft.touch(digest, ctx.now);
  }
  const graph = await graphOf(ctx);
  for (const digest of forced) {
    const holders = holdersOf(graph, repository, digest);
    if (holders.length > 0) throw inUse(digest, holders);
  }
  for (const digest of ifDead) {
    if (!forced.has(digest) && !graph.isLive(manifestNode(repository, digest))) take(digest);
  }
  return removed;
}

/** A document that is understood only in part may name anything. */
export function refuseWhileFaulty({ draft }: Context): void {
  const [fault] = draft.base.faults;
  if (fault !== undefined) throw new OciStoreError("LAYOUT_INVALID", `nothing is deleted while ${fault}`);
}

async function mustBeStored({ draft, facts, o }: Context, repository: string, digest: Digest): Promise<void> {
  if (draft.repository(repository).manifests.has(digest)) return;
  if (facts.membership === "listed" && (await facts.locate(draft, digest, o))) return;
  throw new OciStoreError("NOT_FOUND", `${digest} is not stored here`, { digest });
}

/** What still names it and is live, in words that say who. */
function holdersOf(graph: StoreGraph, repository: string, digest: Digest): string[] {
  const node = manifestNode(repository, digest);
  const roots = graph.roots(node).filter(({ why }) => why === "pin" || why === "claim");
  const naming = [...graph.parents(node), ...graph.referrers(node)].filter((holder) => graph.isLive(holder));
  return [...roots.map(({ why, name }) => `${why} ${name}`), ...new Set(naming.map((holder) => holder.digest))];
}

function inUse(digest: Digest, holders: readonly string[]): OciStoreError {
  return new OciStoreError("IN_USE", `${digest} is held by ${holders.join(", ")}`, { digest, holders });
}

/** The tags that are machinery of a manifest go with it; left behind they would be roots, there being no subject any more. */
function dropMachineryTags({ draft }: Context, before: RepositoryGraph, subject: Digest): void {
  const { tags } = draft.repository(before.name);
  for (const tag of before.machinery) {
    const to = tags.get(tag);
    if (to && before.subjects.get(to)?.includes(subject) && isNamedAfter(tag, subject)) tags.delete(tag);
  }
}

function isNamedAfter(tag: string, subject: Digest): boolean {
  const [name = ""] = tag.split(".");
  return subject.replace(":", "-").startsWith(name);
}
