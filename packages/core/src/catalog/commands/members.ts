import type { ManifestRecord } from "../../contract/catalog.ts";
import type { Digest } from "../../model/digest.ts";
import type { RepositoryDraft } from "../draft.ts";
import type { Membership } from "../state.ts";
import type { Context } from "./context.ts";

/** Writes down that a manifest is in a repository, and what it names there. */
export function addMember(
  { draft, facts }: Context,
  repository: string,
  record: ManifestRecord,
  own: boolean | undefined,
  absent?: readonly Digest[],
): void {
  const target = draft.repository(repository);
  const { digest, mediaType, size, artifactType, pushed } = record;
  const isNew = !target.manifests.has(digest);
  target.taken.delete(digest);
  target.manifests.set(digest, { mediaType, size, artifactType, own, pushed, ...(absent?.length && { absent }) });
  if (facts.membership === "listed") return;
  draft.records.set(digest, record);
  if (!isNew) return;
  for (const { to, kind } of record.edges) {
    if (kind === "subject") target.referrers.set(to, [...(target.referrers.get(to) ?? []), digest]);
    else target.content.set(to, (target.content.get(to) ?? 0) + 1);
  }
}

/** Takes a manifest out of a repository with every tag on it; reads there say "not found" from now on. */
export function removeMember(ctx: Context, repository: string, digest: Digest): Membership | undefined {
  const { draft, facts } = ctx;
  const target = draft.repository(repository);
  const membership = target.manifests.get(digest);
  for (const [tag, to] of [...target.tags]) {
    if (to === digest) target.tags.delete(tag);
  }
  target.taken.add(digest);
  if (!membership) return undefined;
  target.manifests.delete(digest);
  if (facts.membership === "recorded") forgetLinks(target, draft.records.get(digest));
  return membership;
}

function forgetLinks(target: RepositoryDraft, record: ManifestRecord | undefined): void {
  for (const { to, kind } of record?.edges ?? []) {
    if (kind === "subject") {
      const others = (target.referrers.get(to) ?? []).filter((digest) => digest !== record?.digest);
      if (others.length > 0) target.referrers.set(to, others);
      else target.referrers.delete(to);
    } else {
      const left = (target.content.get(to) ?? 0) - 1;
      if (left > 0) target.content.set(to, left);
      else target.content.delete(to);
    }
  }
}
