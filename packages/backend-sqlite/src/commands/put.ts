import { type Digest, type Edge, isRequired, type ManifestRecord, refusals } from "@ocistore/core";
import type { Context } from "./context.ts";
import { addMember, nameChildren, welcomeSubject } from "./members.ts";
import { mayBringBack, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

/**
 * Records a manifest, in the step that checks that what it names is there. Condemned content that it names is brought back
 * in this very step; what is being purged counts as missing.
 */
export function put(
  ctx: Context,
  repository: string,
  manifest: ManifestRecord,
  { tagged, sparse }: { readonly tagged: boolean; readonly sparse: boolean },
): void {
  const { tables } = ctx;
  const { digest, edges } = manifest;
  if (tables.condemned(digest)) revive(ctx, digest, repository);
  if (!tables.blob(digest)) throw refusals.missing(digest, [digest]);

  const absent: Digest[] = [];
  for (const edge of edges) {
    // Looked at in any case: looking brings back what is condemned.
    const isThere = isStored(ctx, repository, edge);
    if (!isThere && isRequired(edge)) absent.push(edge.to);
    if (isThere) mustBeOfSize(ctx, edge);
  }
  if (absent.length > 0 && !sparse) throw refusals.missing(digest, absent);
  const subjects = edges.filter(({ kind }) => kind === "subject");
  const revived = missingBelow(ctx, repository, digest, subjects);
  if (revived.length > 0) throw refusals.missing(digest, revived);
  // What is condemned and referred to again is live again by that, and the next purge brings it back.
  for (const { to } of subjects) if (tables.condemned(to)) tables.enqueue(to);

  const present = tables.member(repository, digest);
  const own = present ? present.own : !tagged && !isNamed(ctx, repository, manifest);
  addMember(ctx, repository, manifest, { own, absent });
  nameChildren(ctx, repository, manifest);
  if (!present) welcomeSubject(ctx, repository, digest);
}

/** A manifest that is wrong about its content, or content that is damaged: in either case it is not what was meant. */
function mustBeOfSize({ tables }: Context, { to, kind, size }: Edge): void {
  if (size === undefined || kind === "opaque" || kind === "subject") return;
  const located = tables.blob(to);
  if (!located || located.size === size) return;
  throw refusals.ofOtherSize(to, size, located.size);
}

function isStored(ctx: Context, repository: string, { to, kind }: Edge): boolean {
  const { tables } = ctx;
  if (tables.condemned(to) && kind !== "subject" && mayBringBack(ctx, repository, to)) {
    // A blob that has just come back is named by nothing here yet; that it was readable here is what brought it back.
    if (revive(ctx, to, repository) && kind !== "manifest") return true;
  }
  if (kind !== "manifest") return tables.visible(repository, to) !== undefined;
  return tables.member(repository, to) !== undefined && missingBelow(ctx, repository, to).length === 0;
}

/** Whether something names it already: a stored manifest as its child, or it is a referrer of what is stored. */
function isNamed({ tables }: Context, repository: string, { digest, edges }: ManifestRecord): boolean {
  const at = tables.at(repository, digest);
  if (at && tables.sql.isContent.get(at) !== undefined) return true;
  return edges.some(({ kind, to }) => kind === "subject" && tables.member(repository, to) !== undefined);
}
