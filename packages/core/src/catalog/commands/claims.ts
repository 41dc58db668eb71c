import type { Arrival, ClaimOptions } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import type { Placement } from "../../contract/placement.ts";
import type { Digest } from "../../model/digest.ts";
import { beingCollected } from "../refusals.ts";
import { type Context, hold, visible } from "./context.ts";
import { mayBringBack, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

/** Looking, bringing back and holding are one step: an answer that is only a look is worth nothing a moment later. */
export async function claim(
  ctx: Context,
  owner: string,
  repository: string,
  digests: readonly Digest[],
  { until, from }: ClaimOptions,
): Promise<ReadonlyMap<Digest, Placement>> {
  const { draft, facts, o } = ctx;
  const answer = new Map<Digest, Placement>();
  for (const digest of digests) {
    const isBack =
      draft.condemned.has(digest) && mayBringBack(ctx, repository, digest) && (await revive(ctx, digest, repository));
    // What has just come back is named by nothing here yet: that it was readable here is what brought it back.
    const found = isBack
      ? await facts.locate(draft, digest, o)
      : ((await visible(ctx, repository, digest)) ??
        (from === undefined ? undefined : await visible(ctx, from, digest)));
    if (!found || (await isBroken(ctx, repository, digest))) continue;
    answer.set(digest, { digest, size: found.size, generation: found.generation });
    hold(ctx, owner, repository, [digest], until);
    draft.touch(digest, ctx.now);
  }
  return answer;
}

/** Who hears of a manifest that it is here sends nothing of what it names either. A plain layout would have to read it. */
async function isBroken(ctx: Context, repository: string, digest: Digest): Promise<boolean> {
  if (!ctx.draft.repository(repository).manifests.has(digest)) return false;
  return (await missingBelow(ctx, repository, digest)).length > 0;
}

/** Bytes get their name, their row and their claim together: from the first moment they can be read, they are held. */
export async function add(
  ctx: Context,
  owner: string,
  repository: string,
  arrivals: readonly Arrival[],
  until: Ms,
): Promise<void> {
  const { draft, facts, now, o } = ctx;
  for (const { placement, publish } of arrivals) {
    const { digest, size, generation } = placement;
    await publish(o);
    // Who sends bytes that are here already gets those: of two copies one would be nobody's, and lie there for ever.
    const mark = draft.condemned.get(digest);
    if (mark?.purging && mark.generation === generation && facts.membership === "recorded" && generation !== "") {
      throw beingCollected(digest);
    }
    const used = draft.blobs.get(digest) ?? (mark?.purging ? undefined : mark);
    draft.condemned.delete(digest);
    if (facts.membership === "recorded") {
      draft.blobs.set(digest, { digest, size, generation: used?.generation ?? generation, since: now });
    }
    // Its grace counts from now, by this store's clock; a file's own time is that of its last byte.
    draft.touch(digest, now);
    hold(ctx, owner, repository, [digest], until);
  }
}

/** Moves the end of an owner's claims, or ends them; the grace of what they held starts then. */
export function release({ draft, now }: Context, owner: string, until: Ms | undefined): void {
  const claim = draft.claims.get(owner);
  if (!claim) return;
  if (claim.until <= now) {
    // It has run out, and what it held may be gone.
    draft.claims.delete(owner);
    return;
  }
  if (until !== undefined && until > now) {
    draft.claims.set(owner, { ...claim, until });
    return;
  }
  draft.claims.delete(owner);
  for (const digests of claim.held.values()) {
    for (const digest of digests) draft.touch(digest, now);
  }
}
