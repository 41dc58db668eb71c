import type { Arrival } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import type { Placement } from "../../contract/placement.ts";
import type { Digest } from "../../model/digest.ts";
import { type Context, hold, visible } from "./context.ts";
import { revive } from "./revive.ts";

export interface ClaimRequest {
  readonly owner: string;
  readonly repository: string;
  readonly digests: readonly Digest[];
  readonly until: Ms;
  readonly from?: string | undefined;
}

/** Looking, bringing back and holding are one step: an answer that is only a look is worth nothing a moment later. */
export async function claim(ctx: Context, request: ClaimRequest): Promise<ReadonlyMap<Digest, Placement>> {
  const { owner, repository, digests, until, from } = request;
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
    if (!found) continue;
    answer.set(digest, { digest, size: found.size, generation: found.generation });
    hold(draft, owner, repository, [digest], until);
    draft.touch(digest, ctx.now);
  }
  return answer;
}

/** Of what was condemned, only the repository that had it may have it back. */
function mayBringBack({ draft, facts }: Context, repository: string, digest: Digest): boolean {
  if (facts.membership === "listed") return true;
  return draft.condemned.get(digest)?.repositories.has(repository) ?? false;
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
    const used = draft.blobs.get(digest) ?? (mark?.purging ? undefined : mark);
    draft.condemned.delete(digest);
    if (facts.membership === "recorded") {
      draft.blobs.set(digest, { digest, size, generation: used?.generation ?? generation, since: now });
    }
    hold(draft, owner, repository, [digest], until);
  }
}

/** Moves the end of an owner's claims, or ends them; the grace of what they held starts then. */
export function release({ draft, now }: Context, owner: string, until: Ms | undefined): void {
  const claim = draft.claims.get(owner);
  if (!claim) return;
  if (until !== undefined && until > now) {
    draft.claims.set(owner, { ...claim, until });
    return;
  }
  draft.claims.delete(owner);
  for (const digests of claim.held.values()) {
    for (const digest of digests) draft.touch(digest, now);
  }
}
