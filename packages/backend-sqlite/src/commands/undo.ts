import { type Digest, type RemovalRun, refusals, type Undone } from "@ocistore/core";
import type { Member } from "../tables/tables.ts";
import { type Context, lose } from "./context.ts";
import { addMember } from "./members.ts";
import { mayBringBack, memberOf, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

interface Tag {
  readonly repository: string;
  readonly name: string;
  readonly digest: Digest;
}

interface Taken {
  readonly repository: string;
  readonly digest: Digest;
  readonly gone: boolean;
  readonly member: Member | undefined;
}

/**
 * Puts back what a run took, in one step: bytes, members and marks, then tags. What others have done since stays, and
 * what has come back by other ways is taken for the same. All is judged at the end, by what the tables have become.
 */
export async function undo(ctx: Context, run: string, moved: "leave" | "take" | undefined): Promise<Undone> {
  const { tables } = ctx;
  const { sql } = tables;
  if (!sql.run.get(run)) throw refusals.noRun(run);
  const all = tagsOf(ctx, run);
  const left = all.filter((tag) => isElsewhere(ctx, tag));
  if (left.length > 0 && moved === undefined) throw conflict(ctx, left);

  const content: Digest[] = [];
  for (const digest of tables.digests(sql.condemnedBy.all(run))) {
    await ctx.pause();
    if (revive(ctx, digest)) content.push(digest);
  }
  const members = membersOf(ctx, run);
  const manifests: { repository: string; digest: Digest }[] = [];
  for (const { repository, digest, gone, member } of members) {
    await ctx.pause();
    if (gone && member && putBack(ctx, repository, digest, member)) manifests.push({ repository, digest });
  }
  for (const { repository, digest, gone, member } of members) {
    if (!gone && setMark(ctx, repository, digest, member)) manifests.push({ repository, digest });
  }
  const tags = moved === "leave" ? all.filter((tag) => !left.includes(tag)) : all;
  for (const tag of tags) setTag(ctx, tag);
  if (moved === "leave") for (const tag of left) makeOwn(ctx, tag);

  const known = new Set(tables.digests(sql.runAbsent.all(run)));
  for (const { repository, digest } of [...manifests, ...tags]) {
    await ctx.pause();
    const lost = tables.blob(digest) ? missingBelow(ctx, repository, digest) : [digest];
    const gone = lost.filter((each) => !known.has(each));
    if (gone.length > 0) throw refusals.missing(digest, gone);
  }
  sql.dropRun.run(run);
  return {
    run,
    tags,
    left: moved === "leave" ? left : [],
    manifests,
    content: content.filter((digest) => !tables.condemned(digest)),
  };
}

/** The runs that a listing shows: what can still be undone, or waits to be erased. */
export function runsOf(ctx: Pick<Context, "tables">): RemovalRun[] {
  const { sql, now } = ctx.tables;
  const rows = sql.runs.all() as { run: string; at: number; until: number }[];
  return rows.flatMap(({ run, at, until }): RemovalRun[] => {
    const { content, bytes } = sql.sumOfRun.get(run) as { content: number; bytes: number };
    if (until <= now && content === 0) return [];
    const manifests = membersOf(ctx, run)
      .filter(({ gone }) => gone)
      .map(({ repository, digest }) => ({ repository, digest }));
    return [{ run, at, until, tags: tagsOf(ctx, run), manifests, content, bytes }];
  });
}

function tagsOf({ tables }: Pick<Context, "tables">, run: string): Tag[] {
  const rows = tables.sql.runTags.all(run) as { repository: number; name: string; id: number }[];
  return rows.map(({ repository, name, id }) => ({
    repository: tables.repositoryName(repository),
    name,
    digest: tables.digest(id),
  }));
}

function membersOf({ tables }: Pick<Context, "tables">, run: string): Taken[] {
  const rows = tables.sql.runMembers.all(run) as {
    repository: number;
    id: number;
    gone: 0 | 1;
    member: string | null;
  }[];
  return rows.map(({ repository, id, gone, member }) => ({
    repository: tables.repositoryName(repository),
    digest: tables.digest(id),
    gone: gone === 1,
    member: memberOf(member),
  }));
}

function isElsewhere({ tables }: Context, { repository, name, digest }: Tag): boolean {
  const present = tables.tag(repository, name);
  return present !== undefined && present !== digest;
}

/** @returns Whether it is a member by this; one that has been pushed again meanwhile is one already. */
function putBack(ctx: Context, repository: string, digest: Digest, before: Member): boolean {
  const { tables } = ctx;
  if (tables.member(repository, digest)) return false;
  // Another run may have condemned it since, or what it names.
  if (tables.condemned(digest)) revive(ctx, digest);
  const record = tables.blob(digest) && tables.anyRecord(digest);
  if (!record) return false;
  addMember(ctx, repository, record, before);
  tables.setMember(repository, digest, before);
  // Should this be the last that happens, its grace has begun, and all that it names shares that.
  lose(ctx, digest);
  return true;
}

/** @returns Whether it is a member again by this. */
function setMark(ctx: Context, repository: string, digest: Digest, before: Member | undefined): boolean {
  const { tables } = ctx;
  // With the mark it had lost its last reason, perhaps, and a later run has taken it.
  const isTaken = before !== undefined && !tables.member(repository, digest) && tables.condemned(digest) !== undefined;
  const isBack = isTaken && putBack(ctx, repository, digest, before);
  // It has been erased since, which is another matter.
  if (!tables.member(repository, digest)) return false;
  // A tag that it has got since has cleared the mark for good.
  const isTagged = tables.tagsOn(repository, digest).length > 0;
  if (!isTagged) tables.setOwn(repository, digest, before?.own ?? false);
  else if (!before?.own) tables.setOwn(repository, digest, false);
  return isBack;
}

function setTag(ctx: Context, { repository, name, digest }: Tag): void {
  const { tables } = ctx;
  const present = tables.tag(repository, name);
  if (!tables.member(repository, digest) && tables.condemned(digest) && mayBringBack(ctx, repository, digest)) {
    revive(ctx, digest, repository);
  }
  if (!tables.member(repository, digest)) throw refusals.missing(digest, [digest]);
  tables.setOwn(repository, digest, false);
  const at = tables.at(repository, digest)!;
  tables.sql.setTag.run(at.repository, name, at.id);
  if (present && present !== digest) lose(ctx, present);
}

/** Without its tag nothing would keep it, and to bring it back only to lose it again is not what anybody means. */
function makeOwn({ tables }: Context, { repository, digest }: Tag): void {
  if (tables.tagsOn(repository, digest).length === 0) tables.setOwn(repository, digest, true);
}

function conflict({ tables }: Context, left: readonly Tag[]): Error {
  const [{ repository, name }] = left as readonly [Tag, ...Tag[]];
  return refusals.tagsMoved(left as readonly [Tag, ...Tag[]], tables.tag(repository, name)!);
}
