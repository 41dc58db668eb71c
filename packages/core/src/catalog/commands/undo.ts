import type { Change, RemovalRun, Undone } from "../../contract/catalog.ts";
import type { Digest } from "../../model/digest.ts";
import { missing, noRun, tagsMoved } from "../refusals.ts";
import type { Membership, Run } from "../state.ts";
import { type Context, lose } from "./context.ts";
import { freezeListing } from "./listing.ts";
import { addMember } from "./members.ts";
import { refuseWhileFaulty } from "./remove.ts";
import { mayBringBack, revive } from "./revive.ts";
import { missingBelow } from "./whole.ts";

type Tag = Run["tags"][number];

/**
 * Puts back what a run took, in one step: bytes, members and marks, then tags. What others have done since stays, and
 * what has come back by other ways is taken for the same. All is judged at the end, by what the draft has become.
 */
export async function undo(ctx: Context, run: string, moved: "leave" | "take" | undefined): Promise<Undone> {
  const { draft } = ctx;
  refuseWhileFaulty(ctx);
  const record = draft.runs.get(run);
  if (!record) throw noRun(run);
  const left = record.tags.filter((tag) => isElsewhere(ctx, tag));
  if (left.length > 0 && moved === undefined) throw conflict(ctx, left);

  const content: Digest[] = [];
  for (const row of [...draft.condemned.values()]) {
    if (row.run === run && (await revive(ctx, row.digest))) content.push(row.digest);
  }
  const manifests: { repository: string; digest: Digest }[] = [];
  for (const { repository, digest, membership } of record.manifests) {
    if (await putBack(ctx, repository, digest, membership)) manifests.push({ repository, digest });
  }
  for (const { repository, digest, membership } of record.marks ?? []) {
    if (await setMark(ctx, repository, digest, membership)) manifests.push({ repository, digest });
  }
  const tags = moved === "leave" ? record.tags.filter((tag) => !left.includes(tag)) : record.tags;
  await setTags(ctx, tags);
  if (moved === "leave") for (const tag of left) makeOwn(ctx, tag);

  await mustBeWholeAgain(ctx, record, [...manifests, ...tags]);
  draft.runs.delete(run);
  const back = draft.condemned;
  return {
    run,
    tags,
    left: moved === "leave" ? left : [],
    manifests,
    content: content.filter((digest) => !back.has(digest)),
  };
}

/** The runs that a listing shows: what can still be undone, or waits to be erased. */
export function runsOf({ draft, now }: Context): RemovalRun[] {
  const sums = new Map<string, { content: number; bytes: number }>();
  for (const { run, size } of draft.condemned.values()) {
    const { content, bytes } = sums.get(run) ?? { content: 0, bytes: 0 };
    sums.set(run, { content: content + 1, bytes: bytes + size });
  }
  const runs = [...draft.runs].flatMap(([run, { at, until, tags, manifests }]): RemovalRun[] => {
    if (until <= now && !sums.has(run)) return [];
    const out = manifests.map(({ repository, digest }) => ({ repository, digest }));
    return [{ run, at, until, tags, manifests: out, content: 0, bytes: 0, ...sums.get(run) }];
  });
  return runs.sort((a, b) => b.at - a.at || (a.run < b.run ? -1 : 1));
}

function isElsewhere({ draft }: Context, { repository, name, digest }: Tag): boolean {
  const present = draft.repository(repository).tags.get(name);
  return present !== undefined && present !== digest;
}

/** @returns Whether it is a member by this; one that has been pushed again meanwhile is one already. */
async function putBack(ctx: Context, repository: string, digest: Digest, before: Membership): Promise<boolean> {
  const { draft, facts, o } = ctx;
  const { manifests } = draft.repository(repository);
  if (manifests.has(digest)) return false;
  // Another run may have condemned it since, or what it names.
  if (draft.condemned.has(digest)) await revive(ctx, digest);
  const record =
    facts.membership === "recorded"
      ? draft.blobs.has(digest) && draft.records.get(digest)
      : (await facts.locate(draft, digest, o)) && { ...before, digest, generation: "", edges: [] };
  if (!record) {
    // What was listed although absent is listed again: so it can be given up by name.
    if (facts.membership === "listed") manifests.set(digest, before);
    return facts.membership === "listed";
  }
  addMember(ctx, repository, record, before.own, before.absent);
  manifests.set(digest, before);
  // Should this be the last that happens, its grace has begun, and all that it names shares that.
  lose(ctx, digest);
  return true;
}

/** @returns Whether it is a member again by this. */
async function setMark(
  ctx: Context,
  repository: string,
  digest: Digest,
  before: Membership | undefined,
): Promise<boolean> {
  const { draft, facts, o } = ctx;
  const { manifests, tags } = draft.repository(repository);
  // With the mark it had lost its last reason, perhaps, and a later run has taken it.
  const isTaken = before !== undefined && !manifests.has(digest) && draft.condemned.has(digest);
  const isBack = isTaken && (await putBack(ctx, repository, digest, before));
  const member = manifests.get(digest);
  // It has been erased since, which is another matter.
  if (!member && (facts.membership === "recorded" || !(await facts.locate(draft, digest, o)))) return false;
  const isTagged = [...tags].some(([, to]) => to === digest);
  if (member && isTagged) {
    // A tag that it has got since has cleared the mark for good.
    if (!before?.own) manifests.set(digest, { ...member, own: false });
  } else if (before) {
    manifests.set(digest, { ...(member ?? before), own: before.own });
  } else {
    manifests.delete(digest);
  }
  return isBack;
}

/** One that is taken back from where it is moves, and in a listing an entry may go by that. */
async function setTags(ctx: Context, tags: readonly Tag[]): Promise<void> {
  for (const repository of new Set(tags.map((tag) => tag.repository))) {
    const here = tags.filter((tag) => tag.repository === repository);
    const steps = here.map(({ name, digest }): Change => ({ do: "tag", name, to: digest }));
    const listing = await freezeListing(ctx, repository, steps);
    for (const tag of here) await setTag(ctx, tag);
    await listing.settle();
  }
}

async function setTag(ctx: Context, { repository, name, digest }: Tag): Promise<void> {
  const { draft, facts, o } = ctx;
  const { manifests, tags } = draft.repository(repository);
  const present = tags.get(name);
  if (!manifests.has(digest)) {
    if (draft.condemned.has(digest) && mayBringBack(ctx, repository, digest)) await revive(ctx, digest, repository);
    const record = facts.membership === "listed" ? await facts.record(draft, repository, digest, o) : undefined;
    if (record) addMember(ctx, repository, record, false);
  }
  const member = manifests.get(digest);
  if (!member) throw missing(digest, [digest]);
  manifests.set(digest, { ...member, own: false });
  tags.set(name, digest);
  if (present && present !== digest) lose(ctx, present);
}

/** Without its tag nothing would keep it, and to bring it back only to lose it again is not what anybody means. */
function makeOwn({ draft }: Context, { repository, digest }: Tag): void {
  const { manifests, tags } = draft.repository(repository);
  const member = manifests.get(digest);
  if (member && ![...tags].some(([, to]) => to === digest)) manifests.set(digest, { ...member, own: true });
}

/** @throws `MISSING_CONTENT` if something is missing that was not missing when the run took it. */
async function mustBeWholeAgain(
  ctx: Context,
  { absent = [] }: Run,
  restored: readonly { readonly repository: string; readonly digest: Digest }[],
): Promise<void> {
  const { draft, facts, o } = ctx;
  const known = new Set(absent);
  for (const { repository, digest } of restored) {
    const isThere = (await facts.locate(draft, digest, o)) !== undefined;
    const lost = isThere ? await missingBelow(ctx, repository, digest) : [digest];
    const gone = lost.filter((each) => !known.has(each));
    if (gone.length > 0) throw missing(digest, gone);
  }
}

function conflict({ draft }: Context, left: readonly Tag[]): Error {
  const [{ repository, name }] = left as readonly [Tag, ...Tag[]];
  return tagsMoved(left as readonly [Tag, ...Tag[]], draft.repository(repository).tags.get(name)!);
}
