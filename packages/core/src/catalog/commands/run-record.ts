import type { Ms } from "../../contract/environment.ts";
import type { Digest } from "../../model/digest.ts";
import { isRequired } from "../../model/edge.ts";
import type { Membership } from "../state.ts";
import { type Context, edgesOf } from "./context.ts";

type Removed = readonly (readonly [Digest, Membership | undefined])[];

/** What a change or a condemnation took out of one repository. */
interface Taken {
  readonly repository: string;
  /** The tags as they were before. */
  readonly tagsBefore: ReadonlyMap<string, Digest>;
  readonly removed: Removed;
  /** Manifests whose `own` mark was to change, as they were before; `undefined` for what was not listed. */
  readonly marks?: ReadonlyMap<Digest, Membership | undefined>;
}

/** What went, so that it can be put back: tags and members, each as it was. */
export async function noteInRun(
  ctx: Context,
  run: string,
  until: Ms | undefined,
  { repository, tagsBefore, removed, marks = new Map() }: Taken,
): Promise<void> {
  const { draft, now } = ctx;
  const { tags, manifests } = draft.repository(repository);
  const lost = [...tagsBefore]
    .filter(([name, digest]) => tags.get(name) !== digest)
    .map(([name, digest]) => ({ repository, name, digest }));
  const gone = removed.flatMap(([digest, membership]) => {
    const before = marks.has(digest) ? marks.get(digest) : membership;
    return before ? [{ repository, digest, membership: before }] : [];
  });
  const isGone = new Set(gone.map(({ digest }) => digest));
  const marked = [...marks]
    .filter(([digest, before]) => !isGone.has(digest) && !isAlike(manifests.get(digest), before))
    .map(([digest, membership]) => ({ repository, digest, membership }));
  const earlier = draft.runs.get(run);
  if (!earlier && lost.length + gone.length + marked.length === 0) return;
  // What nobody is promised to get back need not be looked at.
  const missing = (until ?? now) > now ? await missingNow(ctx, repository, { lost, removed }) : [];
  const { at = now, absent = [], marks: markedBefore = [] } = earlier ?? {};
  draft.runs.set(run, {
    ...earlier,
    at,
    until: Math.max(until ?? now, earlier?.until ?? 0),
    // An attempt that lost to another writer may have left its record, which says the same once already.
    tags: united(earlier?.tags ?? [], lost),
    manifests: united(earlier?.manifests ?? [], gone),
    marks: united(markedBefore, marked),
    absent: [...new Set([...absent, ...missing])],
  });
}

/** What lives by something else is no longer listed once its mark has gone; and a mark need not be said in a listing. */
function isAlike(now: Membership | undefined, before: Membership | undefined): boolean {
  return (now === undefined) === (before === undefined) && now?.own === before?.own;
}

function united<T extends { readonly repository: string; readonly digest: Digest; readonly name?: string }>(
  earlier: readonly T[],
  later: readonly T[],
): readonly T[] {
  const keyOf = ({ repository, digest, name = "" }: T) => JSON.stringify([repository, digest, name]);
  const known = new Set(earlier.map(keyOf));
  return [...earlier, ...later.filter((each) => !known.has(keyOf(each)))];
}

/** What is missing below them at this moment, while all that the run will take is still there. */
async function missingNow(
  ctx: Context,
  repository: string,
  { lost, removed }: { readonly lost: readonly { readonly digest: Digest }[]; readonly removed: Removed },
): Promise<readonly Digest[]> {
  const { draft, facts, o } = ctx;
  const missing: Digest[] = [];
  const seen = new Set<Digest>([...lost.map(({ digest }) => digest), ...removed.map(([digest]) => digest)]);
  for (const digest of seen) {
    o.signal?.throwIfAborted();
    if (!(await facts.locate(draft, digest, o)) && !draft.condemned.has(digest)) {
      missing.push(digest);
      continue;
    }
    // A set is walked in the order of its growth, so what is added is visited too.
    for (const edge of await edgesOf(ctx, repository, digest)) {
      if (!isRequired(edge) || seen.has(edge.to)) continue;
      if (edge.kind === "manifest") seen.add(edge.to);
      else if (!(await facts.locate(draft, edge.to, o)) && !draft.condemned.has(edge.to)) missing.push(edge.to);
    }
  }
  return missing;
}
