import { type Digest, type Ms, OciStoreError, type RemovalRun, type Undone } from "@ocistore/core";
import { missing, type Tables } from "./tables.ts";

interface Tag {
  readonly repository: string;
  readonly name: string;
  readonly digest: Digest;
}

interface Member {
  readonly repository: string;
  readonly digest: Digest;
  readonly own: 0 | 1;
}

/** What a run took out, as it was; the row is one document, since nothing ever asks for a part of it. */
interface Taken {
  readonly at: Ms;
  readonly until: Ms;
  readonly tags: readonly Tag[];
  readonly members: readonly Member[];
}

/** All tags and members of a repository, to be compared with what a command leaves of them. */
interface Before {
  readonly tags: readonly Tag[];
  readonly members: readonly Member[];
}

export function before(tables: Tables): Before {
  return { tags: tables.sql.allTags.all() as Tag[], members: tables.sql.allMembers.all() as Member[] };
}

/** Writes down what has gone since, so that it can be put back. */
export function noteRun(tables: Tables, run: string, until: Ms | undefined, was: Before): void {
  const tags = was.tags.filter(({ repository, name, digest }) => tables.digests("tag", repository, name)[0] !== digest);
  const members = was.members.filter(({ repository, digest, own }) => {
    const present = tables.sql.member.get(repository, digest) as Member | undefined;
    return !present || present.own !== own;
  });
  const earlier = takenBy(tables, run);
  if (!earlier && tags.length + members.length === 0 && until === undefined) return;
  const row: Taken = {
    at: earlier?.at ?? tables.now,
    until: Math.max(until ?? tables.now, earlier?.until ?? 0),
    tags: [...(earlier?.tags ?? []), ...tags],
    members: [...(earlier?.members ?? []), ...members],
  };
  tables.sql.putRun.run(run, JSON.stringify(row));
}

function takenBy(tables: Tables, run: string): Taken | undefined {
  const row = tables.sql.run.get(run) as { body: string } | undefined;
  return row && (JSON.parse(row.body) as Taken);
}

export function undo(tables: Tables, run: string, moved: "leave" | "take" | undefined): Undone {
  const { sql } = tables;
  const taken = takenBy(tables, run);
  if (!taken) throw new OciStoreError("NOT_FOUND", `no run ${run} is remembered`, { reference: run });
  const isElsewhere = ({ repository, name, digest }: Tag) =>
    ![undefined, digest].includes(tables.digests("tag", repository, name)[0]);
  const left = taken.tags.filter(isElsewhere);
  if (left.length > 0 && moved === undefined) {
    throw new OciStoreError("CONFLICT", `tag ${left[0]!.name} has moved`, { reference: left[0]!.name });
  }
  const content = tables.digests("condemnedBy", run).filter((digest) => tables.revive(digest));
  const manifests: Member[] = [];
  for (const member of taken.members) {
    const { repository, digest, own } = member;
    const isThere = tables.isMember(repository, digest);
    if (tables.condemned(digest)) tables.revive(digest);
    const record = tables.record(digest);
    if (!record || !tables.blob(digest)) throw missing(digest, [digest]);
    if (!isThere) {
      tables.addMember(repository, record, own === 1);
      tables.touch(digest);
      manifests.push(member);
    } else if (own === 0 || tables.tagsOf(repository, digest).length === 0) {
      sql.setOwn.run(own, repository, digest);
    }
  }
  const tags = moved === "leave" ? taken.tags.filter((tag) => !left.includes(tag)) : taken.tags;
  for (const { repository, name, digest } of tags) {
    if (!tables.isMember(repository, digest)) tables.broughtBack(repository, digest);
    if (!tables.isMember(repository, digest)) throw missing(digest, [digest]);
    const [present] = tables.digests("tag", repository, name);
    sql.setOwn.run(0, repository, digest);
    sql.putTag.run(repository, name, digest);
    if (present && present !== digest) tables.touch(present);
  }
  if (moved === "leave") {
    for (const { repository, digest } of left) {
      if (tables.tagsOf(repository, digest).length === 0) sql.setOwn.run(1, repository, digest);
    }
  }
  for (const { repository, digest } of [...manifests, ...tags]) tables.mustBeWhole(repository, digest);
  sql.dropRun.run(run);
  return {
    run,
    tags,
    left: moved === "leave" ? left : [],
    manifests: manifests.map(({ repository, digest }) => ({ repository, digest })),
    content,
  };
}

export function runs(tables: Tables): RemovalRun[] {
  const rows = tables.sql.allRuns.all() as { run: string; body: string; content: number; bytes: number }[];
  return rows
    .map(({ run, body, content, bytes }) => ({ run, content, bytes, ...(JSON.parse(body) as Taken) }))
    .filter(({ until, content }) => until > tables.now || content > 0)
    .map(
      ({ members, ...row }): RemovalRun => ({
        ...row,
        manifests: members
          .filter(({ repository, digest }) => !tables.isMember(repository, digest))
          .map(({ repository, digest }) => ({ repository, digest })),
      }),
    )
    .sort((a, b) => b.at - a.at || (a.run < b.run ? -1 : 1));
}

/** Runs of which nothing is left to undo. One that is an hour old, or is said to be done, condemns no more. */
export function sweepRuns(tables: Tables, { due, run: ending }: { due: Ms; run?: string | undefined }): void {
  for (const { run, body, content } of tables.sql.allRuns.all() as { run: string; body: string; content: number }[]) {
    const { at, until } = JSON.parse(body) as Taken;
    const isOver = until <= Math.max(tables.now, due) && (run === ending || at + 3_600_000 <= tables.now);
    if (isOver && content === 0) tables.sql.dropRun.run(run);
  }
}
