import { type Arrival, type ClaimOptions, type Digest, type Ms, type Placement, refusals } from "@ocistore/core";
import { type Context, lose } from "./context.ts";
import { mayBringBack, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

/** Looking, bringing back and holding are one step: an answer that is only a look is worth nothing a moment later. */
export function claim(
  ctx: Context,
  owner: string,
  repository: string,
  digests: readonly Digest[],
  { until, from }: ClaimOptions,
): ReadonlyMap<Digest, Placement> {
  const { tables } = ctx;
  const answer = new Map<Digest, Placement>();
  for (const digest of digests) {
    const isBack =
      tables.condemned(digest) !== undefined &&
      mayBringBack(ctx, repository, digest) &&
      revive(ctx, digest, repository);
    // What has just come back is named by nothing here yet: that it was readable here is what brought it back.
    const found = isBack
      ? tables.blob(digest)
      : (tables.visible(repository, digest) ?? (from === undefined ? undefined : tables.visible(from, digest)));
    if (!found || isBroken(ctx, repository, digest)) continue;
    answer.set(digest, { digest, size: found.size, generation: found.generation });
    hold(ctx, owner, repository, digest, until);
    tables.touch(digest);
  }
  return answer;
}

/** Who hears of a manifest that it is here sends nothing of what it names either. */
function isBroken(ctx: Context, repository: string, digest: Digest): boolean {
  return ctx.tables.member(repository, digest) !== undefined && missingBelow(ctx, repository, digest).length > 0;
}

/** New bytes get their row and their claim together: from the first moment they can be read, they are held. */
export function arrive(ctx: Context, owner: string, repository: string, { placement }: Arrival, until: Ms): void {
  const { tables, fixedNames } = ctx;
  const { digest, size, generation } = placement;
  const mark = tables.condemned(digest);
  // With one fixed place the bytes have just been put there, and who was about to erase them looks at the mark again.
  if (mark?.purging && mark.generation === generation && !fixedNames) {
    throw refusals.beingCollected(digest);
  }
  // Who sends bytes that are here already gets those: of two copies one would be nobody's, and lie there for ever.
  const used = tables.blob(digest) ?? (mark?.purging ? undefined : mark);
  tables.sql.dropCondemned.run(tables.idFor(digest));
  tables.setBlob({ digest, size, generation: used?.generation ?? generation, since: tables.now });
  hold(ctx, owner, repository, digest, until);
  tables.enqueue(digest);
}

/** Moves the end of an owner's claims, or ends them; the grace of what they held starts then. */
export function release(ctx: Context, owner: string, until: Ms | undefined): void {
  const { tables } = ctx;
  const { sql, now } = tables;
  const present = sql.owner.get(owner) as OwnerRow | undefined;
  if (!present) return;
  const isOver = present.until <= now;
  if (!isOver && until !== undefined && until > now) {
    sql.setOwner.run(until, present.id);
    return;
  }
  // If it has run out, what it held may be gone.
  if (!isOver) for (const digest of tables.digests(sql.claimsBy.all(present.id))) lose(ctx, digest);
  sql.dropOwner.run(present.id);
}

interface OwnerRow {
  readonly id: number;
  readonly until: Ms;
}

/** Adds to what an owner holds in a repository, until then at least. What has run out does not come back by that. */
function hold({ tables }: Context, owner: string, repository: string, digest: Digest, until: Ms): void {
  const { sql, now } = tables;
  let present = sql.owner.get(owner) as OwnerRow | undefined;
  if (present && present.until <= now) {
    sql.dropOwner.run(present.id);
    present = undefined;
  }
  const id = present?.id ?? Number(sql.addOwner.run(owner, until).lastInsertRowid);
  if (present && present.until < until) sql.setOwner.run(until, id);
  sql.addClaim.run(tables.idFor(digest), tables.repositoryIdFor(repository), id);
}
