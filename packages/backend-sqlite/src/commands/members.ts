import type { Digest, ManifestRecord } from "@ocistore/core";
import { pack } from "../digests.ts";
import type { Member } from "../tables/tables.ts";
import type { Context } from "./context.ts";

/** Writes down that a manifest is in a repository, and what it names there. */
export function addMember(
  { tables }: Pick<Context, "tables">,
  repository: string,
  record: ManifestRecord,
  member: Pick<Member, "own" | "absent">,
): void {
  tables.addManifest(record);
  tables.setMember(repository, record.digest, { ...member, pushed: record.pushed });
  const { repository: repositoryId, id } = tables.at(repository, record.digest)!;
  for (const { to, kind } of record.edges) {
    if (kind !== "subject") continue;
    tables.sql.addReferrer.run({
      repository: repositoryId,
      subject: tables.idFor(to),
      digest: pack(record.digest),
      manifest: id,
      artifactType: record.artifactType === undefined ? null : tables.typeIdFor(record.artifactType),
    });
  }
}

/** From now on its children are somebody's: they are roots of their own no longer. */
export function nameChildren({ tables }: Context, repository: string, { edges }: ManifestRecord): void {
  for (const { to, kind } of edges) if (kind !== "subject") tables.setOwn(repository, to, false);
}

/** Referrers that came before their subject go with it from now on. */
export function welcomeSubject({ tables }: Context, repository: string, digest: Digest): void {
  for (const referrer of tables.referrers(repository, digest)) tables.setOwn(repository, referrer, false);
}

/** Takes a manifest out of a repository with every tag on it; reads there say "not found" from now on. */
export function removeMember(ctx: Context, repository: string, digest: Digest): Member | undefined {
  const { tables, journal } = ctx;
  const member = tables.member(repository, digest);
  if (!member) return undefined;
  for (const name of tables.tagsOn(repository, digest)) dropTag(ctx, repository, name, digest);
  const { repository: repositoryId, id } = tables.at(repository, digest)!;
  tables.sql.dropMember.run(repositoryId, id);
  journal?.gone(repository, digest, member);
  // What it named, what it refers to and what refers to it may have lived by it alone.
  for (const target of tables.digests(tables.sql.targets.all(id))) tables.enqueue(target);
  for (const referrer of tables.referrers(repository, digest)) tables.enqueue(referrer);
  tables.enqueue(digest);
  return member;
}

export function dropTag({ tables, journal }: Context, repository: string, name: string, on: Digest): void {
  journal?.tag(repository, name, on);
  tables.sql.dropTag.run(tables.repositoryId(repository), name);
}

export function setOwn({ tables, journal }: Context, repository: string, digest: Digest, own: boolean): void {
  const member = tables.member(repository, digest);
  if (!member || member.own === own) return;
  journal?.mark(repository, digest, member);
  tables.setOwn(repository, digest, own);
}
