import { type Digest, type Edge, isRequired, manifestNode, refusals } from "@ocistore/core";
import { TablesGraph } from "../graph/tables-graph.ts";
import type { Context } from "./context.ts";
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
export function missingBelow(
  ctx: Context,
  repository: string,
  digest: Digest,
  edges?: readonly Edge[],
): readonly Digest[] {
  const { tables } = ctx;
  const missing: Digest[] = [];
  const missingOf = new Map<Digest, Digest[]>();
  const queue: Asked[] = [{ digest }];
  const seen = new Set<Digest>([digest]);
  for (const [next, each] of queue.entries()) {
    for (const edge of (next === 0 && edges) || (tables.record(repository, each.digest)?.edges ?? [])) {
      const { to, kind } = edge;
      if (seen.has(to) || !(isRequired(edge) || kind === "subject")) continue;
      seen.add(to);
      if (kind === "subject") {
        if (tables.member(repository, to)) queue.push({ digest: to, subject: to });
        continue;
      }
      if (tables.condemned(to)) revive(ctx, to, repository);
      if (isThere(edge)) {
        if (kind === "manifest") queue.push({ digest: to, subject: each.subject });
      } else if (each.subject === undefined) missing.push(to);
      else missingOf.set(each.subject, [...(missingOf.get(each.subject) ?? []), to]);
    }
  }
  if (missingOf.size === 0) return missing;
  const before = new TablesGraph(ctx.before, { unclaimed: true });
  const revived = [...missingOf].filter(([subject]) => !before.isLive(manifestNode(repository, subject)));
  return [...missing, ...revived.flatMap(([, digests]) => digests)];

  function isThere({ to, kind }: Edge): boolean {
    if (kind === "manifest") return tables.member(repository, to) !== undefined;
    return tables.visible(repository, to) !== undefined;
  }
}

interface Asked {
  readonly digest: Digest;
  /** What is asked for because something refers to this. */
  readonly subject?: Digest | undefined;
}

/** Refuses to give a reason to live to what is not whole. @throws `MISSING_CONTENT` */
export function mustBeWhole(ctx: Context, repository: string, digest: Digest): void {
  const digests = missingBelow(ctx, repository, digest);
  if (digests.length > 0) throw refusals.missing(digest, digests);
}
