import { manifestNode } from "../../liveness/node.ts";
import { type SyncGraph, searchNow } from "../../liveness/search.ts";
import type { Digest } from "../../model/digest.ts";
import { type Edge, isRequired } from "../../model/edge.ts";
import { Draft } from "../draft.ts";
import { missing as missingContent } from "../refusals.ts";
import { type Context, graphOf, graphWithoutClaims, visible } from "./context.ts";
import { revive } from "./revive.ts";

/**
 * Which content is missing that a stored manifest needs, at any depth. Of what is live nothing is; but an untagged image,
 * say, stays readable for its grace, while a removal may have taken a layer that it shared. Such a manifest must not become
 * live again as it is. Condemned content on the way is brought back.
 *
 * What it refers to lives by it, so that must be whole too; unless it is absent, or lives already as it is.
 *
 * @param edges What it names, if it is only about to be stored.
 */
export async function missingBelow(
  ctx: Context,
  repository: string,
  digest: Digest,
  edges?: readonly Edge[],
): Promise<readonly Digest[]> {
  const { draft, facts, o } = ctx;
  const missing: Digest[] = [];
  const missingOf = new Map<Digest, Digest[]>();
  const queue: Asked[] = [{ digest }];
  const seen = new Set<Digest>([digest]);
  for (let next = 0; next < queue.length; next++) {
    o.signal?.throwIfAborted();
    const each = queue[next]!;
    for (const edge of (next === 0 && edges) || (await edgesOf(each))) {
      const { to, kind, mediaType } = edge;
      if (seen.has(to) || !(isRequired(edge) || kind === "subject")) continue;
      seen.add(to);
      if (kind === "subject") {
        if (await isThere({ ...edge, kind: "manifest" })) queue.push({ digest: to, mediaType, subject: to });
        continue;
      }
      if (draft.condemned.has(to)) await revive(ctx, to, repository);
      if (await isThere(edge)) {
        if (kind === "manifest") queue.push({ digest: to, mediaType, subject: each.subject });
      } else if (each.subject === undefined) missing.push(to);
      else missingOf.set(each.subject, [...(missingOf.get(each.subject) ?? []), to]);
    }
  }
  if (missingOf.size === 0) return missing;
  const before = await graphWithoutClaims({ ...ctx, draft: new Draft(draft.base) });
  const revived = [...missingOf].filter(([subject]) => !before.isLive(manifestNode(repository, subject)));
  return [...missing, ...revived.flatMap(([, digests]) => digests)];

  async function isThere({ to, kind }: Edge): Promise<boolean> {
    if (kind === "manifest" && facts.membership === "recorded") return draft.repository(repository).manifests.has(to);
    return (await visible(ctx, repository, to)) !== undefined;
  }

  async function edgesOf(each: Asked): Promise<readonly Edge[]> {
    const mediaType = each.mediaType ?? draft.repository(repository).manifests.get(each.digest)?.mediaType;
    try {
      const record = await facts.record(draft, repository, each.digest, {
        ...o,
        mediaType,
        probe: mediaType ? undefined : "mentions",
      });
      return record?.edges ?? [];
    } catch (error) {
      // It is there and cannot be read: a finding for a check, and nothing that could be said to be absent.
      if (o.signal?.aborted) throw error;
      return [];
    }
  }
}

interface Asked {
  readonly digest: Digest;
  readonly mediaType?: string | undefined;
  /** What is asked for because something refers to this. */
  readonly subject?: Digest | undefined;
}

/**
 * Refuses to give a reason to live to what is not whole. A plain layout has no word on a manifest that is sparse on purpose,
 * so there what is live as it is may get one more. But a claim and a subject may be anything, and say nothing about it.
 *
 * @throws `MISSING_CONTENT`
 */
export async function mustBeWhole(ctx: Context, repository: string, digest: Digest): Promise<void> {
  const digests = await missingBelow(ctx, repository, digest);
  if (digests.length === 0) return;
  if (ctx.facts.membership === "listed") {
    const draft = new Draft(ctx.draft.base);
    for (const owner of [...draft.claims.keys()]) draft.claims.delete(owner);
    const before = await graphOf({ ...ctx, draft });
    const view: SyncGraph = {
      roots: (node) => before.roots(node),
      parents: (node) => before.parents(node),
      subjects: (node) => before.subjects(node),
      referrers: () => [],
    };
    if (searchNow(view, manifestNode(repository, digest)).live) return;
  }
  throw missingContent(digest, digests);
}
