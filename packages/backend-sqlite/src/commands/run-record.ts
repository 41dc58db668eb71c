import { type Digest, isRequired, type Ms } from "@ocistore/core";
import type { Context } from "./context.ts";
import type { Journal } from "./journal.ts";
import { memberText } from "./revive.ts";

/** What a command took out, so that it can be put back: tags, members and marks, each as it was. */
export function noteInRun(ctx: Context, run: string, until: Ms | undefined, journal: Journal): void {
  const { tables } = ctx;
  const { sql, now } = tables;
  const tags = journal.tags.filter(({ repository, name, digest }) => tables.tag(repository, name) !== digest);
  const { members } = journal;
  const marks = journal.marks.filter(
    ({ repository, digest, member }) => tables.member(repository, digest)?.own !== member?.own,
  );
  if (!sql.run.get(run) && tags.length + members.length + marks.length === 0) return;
  sql.setRun.run(run, now, until ?? now);
  for (const { repository, name, digest } of tags) {
    sql.addRunTag.run(run, tables.repositoryIdFor(repository), name, tables.idFor(digest));
  }
  for (const [gone, each] of [...members.map((row) => [1, row] as const), ...marks.map((row) => [0, row] as const)]) {
    const { repository, digest, member } = each;
    sql.addRunMember.run({
      run,
      repository: tables.repositoryIdFor(repository),
      id: tables.idFor(digest),
      gone,
      member: memberText(member),
    });
  }
  // What nobody is promised to get back need not be looked at.
  if ((until ?? now) <= now) return;
  const taken = [...tags, ...members].map(({ digest }) => digest);
  for (const digest of missingNow(ctx, taken)) sql.addRunAbsent.run(run, tables.idFor(digest));
}

/** What is missing below them at this moment, while all that the run will take is still there. */
function missingNow({ tables }: Context, taken: readonly Digest[]): Digest[] {
  const missing: Digest[] = [];
  const isHere = (digest: Digest) => tables.blob(digest) !== undefined || tables.condemned(digest) !== undefined;
  const seen = new Set<Digest>(taken);
  // A set is walked in the order of its growth, so what is added is visited too.
  for (const digest of seen) {
    if (!isHere(digest)) {
      missing.push(digest);
      continue;
    }
    for (const edge of tables.edges(digest)) {
      if (!isRequired(edge) || seen.has(edge.to)) continue;
      if (edge.kind === "manifest") seen.add(edge.to);
      else if (!isHere(edge.to)) missing.push(edge.to);
    }
  }
  return missing;
}
