import type { ManifestRecord } from "../../contract/catalog.ts";
import { isOciStoreError, OciStoreError } from "../../errors.ts";
import { manifestNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import { type Edge, isRequired } from "../../model/edge.ts";
import { isManifestType } from "../../model/media-types.ts";
import { missing, ofOtherSize } from "../refusals.ts";
import { type Context, graphOf, visible } from "./context.ts";
import { addMember } from "./members.ts";
import { mayBringBack, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

/**
 * Records a manifest, in the step that checks that what it names is there. Condemned content that it names is brought back
 * in this very step; what is being purged counts as missing.
 */
export async function put(
  ctx: Context,
  repository: string,
  manifest: ManifestRecord,
  { tagged, sparse }: { readonly tagged: boolean; readonly sparse: boolean },
): Promise<void> {
  const { draft, facts, o } = ctx;
  const { digest } = manifest;
  if (draft.condemned.has(digest)) await revive(ctx, digest, repository);
  if (!(await facts.locate(draft, digest, o))) throw missing(digest, [digest]);

  const absent: Digest[] = [];
  for (const edge of manifest.edges) {
    // Looked at in any case: looking brings back what is condemned.
    const isThere = await isStored(ctx, repository, edge);
    if (!isThere && isRequired(edge)) absent.push(edge.to);
    if (!isThere) continue;
    await mustBeOfSize(ctx, edge);
    await mustBeManifest(ctx, repository, edge);
  }
  if (absent.length > 0 && !sparse) throw missing(digest, absent);
  const subject = manifest.edges.filter(({ kind }) => kind === "subject");
  const revived = await missingBelow(ctx, repository, digest, subject);
  if (revived.length > 0) throw missing(digest, revived);

  const present = draft.repository(repository).manifests.get(digest);
  const own = present ? present.own : !tagged && !(await isNamed(ctx, repository, manifest));
  if (facts.membership === "recorded") {
    addMember(ctx, repository, manifest, own, absent);
    nameChildren(ctx, repository, manifest);
    if (!present) welcomeSubject(ctx, repository, digest);
  } else {
    // Listed are what is tagged, what is `own`, and referrers, which other tools find that way.
    const isReferrer = manifest.edges.some(({ kind }) => kind === "subject");
    if (!present && (tagged || own || isReferrer))
      addMember(ctx, repository, manifest, tagged ? false : undefined, absent);
    await unlistChildren(ctx, repository, manifest);
  }
}

/** A manifest that is wrong about its content, or content that is damaged: in either case it is not what was meant. */
async function mustBeOfSize({ draft, facts, o }: Context, { to, kind, size }: Edge): Promise<void> {
  if (size === undefined || kind === "opaque" || kind === "subject") return;
  const located = await facts.locate(draft, to, o);
  if (!located || located.size === size) return;
  throw ofOtherSize(to, size, located.size);
}

/**
 * What is said to be a child and is something else would be a manifest that cannot be read, and keep every collection away.
 * Where children are recorded it is not stored as one at all.
 */
async function mustBeManifest(
  { draft, facts, o }: Context,
  repository: string,
  { to, kind, mediaType }: Edge,
): Promise<void> {
  if (kind !== "manifest" || mediaType === undefined || !isManifestType(mediaType)) return;
  if (facts.membership === "recorded") return;
  try {
    await facts.record(draft, repository, to, { ...o, mediaType });
  } catch (cause) {
    // Damaged bytes are no fault of whoever names them.
    if (!isOciStoreError(cause, "MANIFEST_INVALID", "MANIFEST_TOO_LARGE", "UNSUPPORTED")) return;
    throw new OciStoreError("MANIFEST_INVALID", `${to} is no ${mediaType}`, { digest: to }, { cause });
  }
}

async function isStored(ctx: Context, repository: string, { to, kind }: Edge): Promise<boolean> {
  const { draft, facts } = ctx;
  if (draft.condemned.has(to) && kind !== "subject" && mayBringBack(ctx, repository, to)) {
    // A blob that has just come back is named by nothing here yet; that it was readable here is what brought it back.
    if ((await revive(ctx, to, repository)) && kind !== "manifest") return true;
  }
  const isMember = kind === "manifest" && facts.membership === "recorded";
  if (isMember ? !draft.repository(repository).manifests.has(to) : !(await visible(ctx, repository, to))) return false;
  return kind !== "manifest" || (await missingBelow(ctx, repository, to)).length === 0;
}

/** Whether something names it already: a stored manifest as its child, or it is a referrer of what is stored. */
async function isNamed(ctx: Context, repository: string, { digest, edges }: ManifestRecord): Promise<boolean> {
  const subject = edges.find(({ kind }) => kind === "subject")?.to;
  if (ctx.facts.membership === "recorded") {
    const { content, manifests } = ctx.draft.repository(repository);
    return content.has(digest) || (subject !== undefined && manifests.has(subject));
  }
  const graph = await graphOf(ctx);
  if (graph.parents(manifestNode(repository, digest)).length > 0) return true;
  return subject !== undefined && (graph.repository(repository)?.records.has(subject) ?? false);
}

/** From now on its children are somebody's: they are roots of their own no longer. */
function nameChildren({ draft }: Context, repository: string, { edges }: ManifestRecord): void {
  const { manifests } = draft.repository(repository);
  for (const { to, kind } of edges) {
    const child = kind === "subject" ? undefined : manifests.get(to);
    if (child?.own) manifests.set(to, { ...child, own: false });
  }
}

/** The same on a plain layout, where being listed without a tag is the record of `own`. */
async function unlistChildren(ctx: Context, repository: string, { edges }: ManifestRecord): Promise<void> {
  const { draft, facts, o } = ctx;
  const { manifests, tags } = draft.repository(repository);
  const tagged = new Set([...tags].map(([, digest]) => digest));
  for (const { to, kind } of edges) {
    const child = kind === "subject" ? undefined : manifests.get(to);
    if (!child || tagged.has(to)) continue;
    let record: ManifestRecord | undefined;
    try {
      record = await facts.record(draft, repository, to, { ...o, mediaType: child.mediaType });
    } catch (error) {
      if (o.signal?.aborted) throw error;
      // It cannot be read. As long as it is listed nobody takes what it may name.
      continue;
    }
    if (record?.edges.some((edge) => edge.kind === "subject")) manifests.set(to, { ...child, own: undefined });
    else manifests.delete(to);
  }
}

/** Referrers that came before their subject go with it from now on. */
function welcomeSubject({ draft }: Context, repository: string, digest: Digest): void {
  const { manifests, referrers } = draft.repository(repository);
  for (const referrer of referrers.get(digest) ?? []) {
    const member = manifests.get(referrer);
    if (member?.own) manifests.set(referrer, { ...member, own: false });
  }
}
