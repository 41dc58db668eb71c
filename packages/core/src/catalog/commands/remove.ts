import type { Ms } from "../../contract/environment.ts";
import { OciStoreError } from "../../errors.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import type { RepositoryGraph } from "../graph/repository-graph.ts";
import type { StoreGraph } from "../graph/store-graph.ts";
import { heldBy, notStored } from "../refusals.ts";
import type { Membership, Run } from "../state.ts";
import { type Context, graphOf } from "./context.ts";
import { keptBy } from "./grace.ts";
import { removeMember } from "./members.ts";

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
  { before, done }: { readonly before?: Ms | undefined; readonly done?: Run | undefined },
): Promise<(readonly [Digest, Membership | undefined])[]> {
  if (forced.size === 0 && ifDead.size === 0) return [];
  refuseWhileFaulty(ctx);
  const removed: (readonly [Digest, Membership | undefined])[] = [];
  const graphBefore = (await graphOf(ctx)).repository(repository);
  const take = (digest: Digest) => {
    if (graphBefore) dropMachineryTags(ctx, graphBefore, digest);
    removed.push([digest, removeMember(ctx, repository, digest)]);
  };

  for (const [digest, tags] of forced) {
    if (!(await isStored(ctx, repository, digest))) {
      const isDone = done?.manifests.some((each) => each.repository === repository && each.digest === digest);
      if (isDone) continue;
      throw notStored(digest);
    }
    const others = (graphBefore?.roots.get(digest) ?? []).filter(
      ({ why, name }) => why === "tag" && !tags?.includes(name!),
    );
    const holders = others.map(({ name }) => `tag ${name}`);
    if (tags && holders.length > 0) throw heldBy(digest, holders);
    take(digest);
    ctx.draft.touch(digest, ctx.now);
    // Deleted by name, it does not come back with what it refers to.
    ctx.draft.lost.delete(digest);
  }
  const graph = await graphOf(ctx);
  for (const digest of forced.keys()) {
    const holders = holdersOf(graph, repository, digest);
    if (holders.length > 0) throw heldBy(digest, holders);
  }
  const isKept = await keptBy(ctx, graph, before);
  for (const digest of ifDead) {
    if (forced.has(digest) || isKept(manifestNode(repository, digest))) continue;
    if (await isStored(ctx, repository, digest)) take(digest);
  }
  return removed;
}

/** A document that is understood only in part may name anything. */
export function refuseWhileFaulty({ draft }: Context): void {
  const [fault] = draft.base.faults;
  if (fault !== undefined) throw new OciStoreError("LAYOUT_INVALID", `nothing is deleted while ${fault}`);
}

/** Listed although absent counts too: that is how what is lost is given up by name. */
async function isStored({ draft, facts, o }: Context, repository: string, digest: Digest): Promise<boolean> {
  if (draft.repository(repository).manifests.has(digest)) return true;
  return facts.membership === "listed" && (await facts.locate(draft, digest, o)) !== undefined;
}

/** What still names it and is live, in words that say who. */
function holdersOf(graph: StoreGraph, repository: string, digest: Digest): string[] {
  const node = manifestNode(repository, digest);
  const roots = graph.roots(node).filter(({ why }) => why === "pin" || why === "claim");
  const naming = [...graph.parents(node), ...graph.referrers(node)].filter((holder) => graph.isLive(holder));
  return [...roots.map(({ why, name }) => `${why} ${name}`), ...new Set(naming.map((holder) => holder.digest))];
}

/** The tags that are machinery of a manifest go with it; left behind they would be roots, there being no subject any more. */
export function dropMachineryTags({ draft }: Context, before: RepositoryGraph, subject: Digest): void {
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
