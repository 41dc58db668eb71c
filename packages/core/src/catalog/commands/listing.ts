import type { Change } from "../../contract/catalog.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import type { Membership } from "../state.ts";
import { type Context, graphOf } from "./context.ts";

/**
 * Keeps the listing of a plain layout true while something in it loses a reason to live.
 *
 * An untagged entry there *is* the record of `own`, except where other entries explain it: children of an index that is
 * listed, referrers of a manifest that is. When the last thing that explained an entry goes, the entry must go in the same
 * replacement of the document, or it would be read as a root from then on.
 */
export async function keepListing(
  ctx: Context,
  repository: string,
  changes: readonly Change[],
): Promise<{ dropUnexplained(): Promise<(readonly [Digest, Membership])[]> }> {
  const { draft, facts } = ctx;
  const { tags } = draft.repository(repository);
  const loses = changes.some((step) => {
    if (step.do === "tag") return tags.has(step.name) && tags.get(step.name) !== step.to;
    return step.do === "untag" || step.do === "remove" || step.do === "drop" || step.do === "unpin";
  });
  if (facts.membership === "recorded" || !loses) return { dropUnexplained: async () => [] };

  const before = await graphOf(ctx);
  const wasListed = new Set(draft.base.repositories.get(repository)?.manifests.keys());
  const wasTagged = new Set([...tags].map(([, digest]) => digest));
  const wasOwn = (digest: Digest) => before.roots(manifestNode(repository, digest)).some(({ why }) => why === "own");

  return {
    dropUnexplained: async () => {
      const { manifests, tags: tagsNow } = draft.repository(repository);
      const isTagged = new Set([...tagsNow].map(([, digest]) => digest));
      const doubtful = [...manifests].filter(
        ([digest, { own }]) => wasListed.has(digest) && !isTagged.has(digest) && own !== true && !wasOwn(digest),
      );
      for (const [digest, member] of doubtful) manifests.set(digest, { ...member, own: false });
      const after = await graphOf(ctx);
      const dropped: (readonly [Digest, Membership])[] = [];
      for (const [digest, member] of doubtful) {
        const isLive = after.isLive(manifestNode(repository, digest));
        if (!isLive) dropped.push([digest, member]);
        if (isLive && (!wasTagged.has(digest) || isReferrer(digest)))
          manifests.set(digest, { ...member, own: undefined });
        else manifests.delete(digest);
        if (!isLive) draft.touch(digest, ctx.now);
      }
      return dropped;

      function isReferrer(digest: Digest): boolean {
        return after.subjects(manifestNode(repository, digest)).length > 0;
      }
    },
  };
}
