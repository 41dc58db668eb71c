import type { Change } from "../../contract/catalog.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import type { RepositoryDraft } from "../draft.ts";
import type { Membership } from "../state.ts";
import { type Context, goesOn, graphOf, graphWithoutClaims, lose, readable } from "./context.ts";
import { addMember } from "./members.ts";

/** What {@link freezeListing} has noted, to be dealt with when the other steps of a change are done. */
export interface FrozenListing {
  /** Drops the entries that nothing explains any more, and returns them. */
  settle(): Promise<(readonly [Digest, Membership])[]>;
}

const NOTHING: FrozenListing = { settle: async () => [] };

/**
 * Keeps the listing of a plain layout true while something in it loses a reason to live.
 *
 * An untagged entry there *is* the record of `own`, except where other entries explain it: children of an index that is
 * listed, referrers of a manifest that is. What an entry is must be written down before the change, or an entry whose
 * explanation goes would be read as a root from then on; and when the change is done, such an entry goes with it, in the
 * same replacement of the document.
 */
export async function freezeListing(
  ctx: Context,
  repository: string,
  changes: readonly Change[],
): Promise<FrozenListing> {
  const { draft, facts } = ctx;
  const { manifests, tags, pins } = draft.repository(repository);
  if (facts.membership === "recorded" || !changes.some((step) => takesAway(step, { tags, pins }))) return NOTHING;

  // A claim explains no entry: it ends, and the entry would be gone.
  const before = await graphWithoutClaims(ctx);
  const wasTagged = taggedBy(tags);
  const frozen = new Map<Digest, { readonly own: boolean }>();
  for (const [digest, member] of [...manifests]) {
    if (member.own !== undefined || wasTagged.has(digest)) continue;
    const own = before.roots(manifestNode(repository, digest)).some(({ why }) => why === "own");
    frozen.set(digest, { own });
    manifests.set(digest, { ...member, own });
  }

  const isByAge = changes.some((step) => step.do === "expire" || step.do === "disown");
  return {
    settle: async () => {
      // A claim keeps the bytes, and is no reason for an entry: nobody would take that out when the session ends.
      const after = await graphWithoutClaims(ctx);
      // A tag that is referrer machinery goes with what it is named after; left behind it would be a root and keep all that.
      for (const tag of after.repository(repository)?.machinery ?? []) {
        const to = tags.get(tag);
        if (to && !after.isLive(manifestNode(repository, to))) tags.delete(tag);
      }
      const isTagged = taggedBy(tags);
      const isReferrer = (digest: Digest) => after.subjects(manifestNode(repository, digest)).length > 0;
      const dropped: (readonly [Digest, Membership])[] = [];
      for (const [digest, member] of [...manifests]) {
        const was = frozen.get(digest);
        const lostItsTag = wasTagged.has(digest) && !isTagged.has(digest);
        if ((!was && !lostItsTag) || member.own) {
          // Unless another step has just made it a root of its own, it is what it was, and its entry stays to the letter.
          if (was && was.own === member.own) manifests.revert(digest);
        } else if (isTagged.has(digest)) {
          manifests.set(digest, { ...member, own: false });
        } else if (!after.isLive(manifestNode(repository, digest))) {
          manifests.delete(digest);
          if (isByAge) await goesOn(ctx, digest);
          else lose(ctx, digest);
          dropped.push([digest, member]);
        } else if (was && was.own === member.own) {
          manifests.revert(digest);
        } else if (isReferrer(digest)) {
          manifests.set(digest, { ...member, own: undefined });
        } else {
          // It lives by what names it, and need not be listed for that.
          manifests.delete(digest);
        }
      }
      return dropped;
    },
  };
}

/**
 * Lists again the referrers that were dropped with what they refer to, if that has come back: an image that is tagged anew
 * has its signatures, for as long as their bytes are there.
 */
export async function relist(ctx: Context, repository: string, changes: readonly Change[]): Promise<void> {
  const { draft, facts } = ctx;
  const { manifests } = draft.repository(repository);
  const gives = changes.some(
    (step) => step.do === "put" || step.do === "tag" || step.do === "keep" || step.do === "pin",
  );
  if (facts.membership === "recorded" || !gives) return;
  for (let isChanging = true; isChanging; ) {
    isChanging = false;
    const lost = [...draft.lost.keys()].filter((digest) => !manifests.has(digest) && !draft.condemned.has(digest));
    if (lost.length === 0) return;
    const graph = await graphOf(ctx);
    const here = graph.repository(repository);
    // A blob, or what is absent, explains no entry, though it counts as live by what refers to it.
    const isLiveManifest = (digest: Digest) =>
      (here?.records.has(digest) || here?.unreadable.has(digest)) && graph.isLive(manifestNode(repository, digest));
    for (const digest of lost) {
      const record = await readable(ctx, repository, digest);
      const subject = record?.edges.find(({ kind }) => kind === "subject")?.to;
      if (!record || subject === undefined || !isLiveManifest(subject)) continue;
      addMember(ctx, repository, record, undefined);
      draft.lost.delete(digest);
      isChanging = true;
    }
  }
}

function takesAway(step: Change, { tags, pins }: Pick<RepositoryDraft, "tags" | "pins">): boolean {
  switch (step.do) {
    case "tag": {
      const present = tags.get(step.name);
      return present !== undefined && present !== step.to;
    }
    case "pin": {
      const present = pins.get(step.name);
      return present !== undefined && present.digest !== step.digest;
    }
    case "untag":
    case "remove":
    case "drop":
    case "unpin":
    case "expire":
    case "disown":
      return true;
    default:
      return false;
  }
}

function taggedBy(tags: Iterable<readonly [string, Digest]>): ReadonlySet<Digest> {
  return new Set([...tags].map(([, digest]) => digest));
}
