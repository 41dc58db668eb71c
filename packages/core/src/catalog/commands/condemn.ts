import type { CondemnItem, CondemnOptions } from "../../contract/catalog.ts";
import { randomId } from "../../contract/environment.ts";
import { inWaves } from "../../contract/waves.ts";
import { bytesNode } from "../../liveness/node.ts";
import type { Digest } from "../../model/digest.ts";
import { takenOver } from "../refusals.ts";
import type { CondemnedRow, Membership } from "../state.ts";
import { type Context, edgesOf, graphAgain, graphOf } from "./context.ts";
import { keptBy } from "./grace.ts";
import { removeMember } from "./members.ts";
import { dropMachineryTags, refuseWhileFaulty } from "./remove.ts";
import { noteInRun } from "./run-record.ts";

/** The only way out of use, and it looks for itself: whatever the caller found out earlier may have changed since. */
export async function condemn(
  ctx: Context,
  items: readonly CondemnItem[],
  request: CondemnOptions,
): Promise<readonly Digest[]> {
  const { draft, facts, env, o } = ctx;
  const { run, until, before } = request;
  refuseWhileFaulty(ctx);
  mustHoldLease(ctx, request.epoch);
  // With a grace the ages of all manifests count too, and have to be looked at anyway.
  const graph = await (before === undefined ? graphAgain(ctx) : graphOf(ctx));
  if (graph.liveUnreadable().length > 0) return [];
  const isKept = await keptBy(ctx, graph, before);
  const readers = await readersOf(ctx, run);

  const wanted = items.filter(({ digest }) => !draft.condemned.has(digest) && !isKept(bytesNode(digest)));
  const places = await inWaves(wanted, ({ digest }) => facts.locate(draft, digest, o));
  const condemned: Digest[] = [];
  const taken = new Map<
    string,
    { tagsBefore: ReadonlyMap<string, Digest>; removed: [Digest, Membership | undefined][] }
  >();
  for (const [at, { digest, size, generation, kind }] of wanted.entries()) {
    if (draft.condemned.has(digest)) continue;
    const located = places[at];
    // What a catalog that records everything has never heard of is taken in; elsewhere it is simply gone.
    if (!located && facts.membership === "listed") continue;
    if (located && located.generation !== generation) continue;
    if (before !== undefined && located && located.since > before) continue;
    const repositories = new Map(readers.get(digest));
    for (const { repository } of graph.parents(bytesNode(digest))) {
      if (repository === undefined || !graph.repository(repository)?.records.has(digest)) continue;
      const { tags } = draft.repository(repository);
      const noted = taken.get(repository) ?? { tagsBefore: new Map(tags), removed: [] };
      taken.set(repository, noted);
      dropMachineryTags(ctx, graph.repository(repository)!, digest);
      const membership = removeMember(ctx, repository, digest);
      noted.removed.push([digest, membership]);
      if (membership) repositories.set(repository, membership);
    }
    const row: CondemnedRow = {
      ...facts.condemnedPlace({ digest, size, generation }, run, kind),
      run,
      until,
      kind,
      id: randomId(env),
      purging: false,
      repositories,
    };
    draft.condemned.set(digest, row);
    draft.blobs.delete(digest);
    condemned.push(digest);
  }
  for (const [repository, each] of taken) await noteInRun(ctx, run, until, { repository, ...each });
  if (condemned.length > 0) {
    const present = draft.runs.get(run) ?? { at: ctx.now, until, tags: [], manifests: [] };
    draft.runs.set(run, { ...present, until: Math.max(until, present.until) });
  }
  return condemned;
}

/** R24: a collector that slept while another took over decides nothing any more. */
export function mustHoldLease({ draft }: Context, epoch: number | undefined): void {
  if (epoch === undefined) return;
  if (draft.leases.get("collect")?.epoch !== epoch) throw takenOver();
}

/** Who could read what this run took out of its repository: the manifests themselves, and what they name. */
async function readersOf(
  ctx: Context,
  run: string,
): Promise<ReadonlyMap<Digest, ReadonlyMap<string, Membership | undefined>>> {
  const readers = new Map<Digest, Map<string, Membership | undefined>>();
  const note = (digest: Digest, repository: string, membership: Membership | undefined) => {
    const noted = readers.get(digest) ?? new Map<string, Membership | undefined>();
    noted.set(repository, membership ?? noted.get(repository));
    readers.set(digest, noted);
  };
  // Where there is one repository there is nobody to tell apart.
  if (ctx.facts.membership === "listed") return readers;
  for (const { repository, digest, membership } of ctx.draft.runs.get(run)?.manifests ?? []) {
    note(digest, repository, membership);
    for (const { to, kind } of await edgesOf(ctx, repository, digest)) {
      if (kind !== "subject") note(to, repository, undefined);
    }
  }
  return readers;
}
