import type { Root } from "../../contract/catalog.ts";
import type { Ms, Signal } from "../../contract/environment.ts";
import { inWaves } from "../../contract/waves.ts";
import type { Digest } from "../../model/digest.ts";
import { MANIFEST_LIMIT } from "../../model/json.ts";
import type { Draft } from "../draft.ts";
import type { CellFacts, Looked } from "../facts.ts";
import type { SharedMemory } from "./manifest-memory.ts";
import { type Listing, MemberGraph } from "./member-graph.ts";
import { MemberList } from "./member-list.ts";
import { type Outcome, readManifests, type Wanted } from "./read-manifests.ts";
import { StoreGraph } from "./store-graph.ts";

/** What a graph is made of. */
export interface Sources {
  readonly draft: Draft;
  readonly facts: CellFacts;
  readonly memory: SharedMemory;
  readonly now: Ms;
  readonly o: Signal;
  /** Leaves claims aside: what would be kept if every session had ended. */
  readonly unclaimed?: boolean;
}

export async function buildStoreGraph(sources: Sources): Promise<StoreGraph> {
  const { draft, memory } = sources;
  const names = draft.repositoryNames();
  for (const { held } of draft.claims.values()) {
    for (const name of held.keys()) names.add(name);
  }
  const members = new MemberList(memory.current);
  const listings: Listing[] = [];
  for (const name of names) listings.push(await readRepository(sources, name, members));
  memory.trim(members.size);
  return new StoreGraph(new MemberGraph(members, listings));
}

async function readRepository(sources: Sources, name: string, members: MemberList): Promise<Listing> {
  const { draft, now, o, unclaimed = false } = sources;
  const { manifests, tags } = draft.repository(name);
  const held = heldRoots(draft, name, now).filter(({ why }) => why !== "claim" || !unclaimed);
  members.begin(name);
  const find = (wanted: readonly Wanted[]) => findManifests(sources, name, members, wanted);

  function* wanted(): Generator<Wanted> {
    for (const [digest, { mediaType }] of manifests) yield { digest, mediaType, probe: false };
    // A pin or a claim may be on anything; only what is plainly a manifest is read as one.
    for (const { digest } of held) yield { digest, probe: true };
  }
  const start = members.size;
  await readManifests(wanted(), find, members, o);
  if (draft.lost.keys().next().done === false) {
    const known = new Set<Digest>();
    for (let member = start; member < members.size; member++) known.add(members.digest(member));
    members.beginLost();
    const isKnown = (digest: Digest) => known.has(digest);
    const lost = [...draft.lost.keys()].map((digest): Wanted => ({ digest, probe: true }));
    await readManifests(lost, find, members, { ...o, isKnown });
  }

  const tagged = new Set([...tags].map(([, digest]) => digest));
  const own: Digest[] = [];
  const unsettled: Digest[] = [];
  for (const [digest, member] of manifests) {
    if (member.own === true) own.push(digest);
    else if (member.own === undefined && !tagged.has(digest)) unsettled.push(digest);
  }
  return { name, listed: () => manifests.keys(), tags, held, own, unsettled };
}

/** From memory, if what lies there is what was read; else it is read. */
async function findManifests(
  { draft, facts, o }: Sources,
  repository: string,
  { memory }: MemberList,
  wanted: readonly Wanted[],
): Promise<readonly Outcome[]> {
  const { taken } = draft.repository(repository);
  const digests = wanted.map(({ digest }) => digest);
  const looks = await facts.glances(draft, repository, digests, o);
  const read = async ({ digest, mediaType, probe }: Wanted, stamp: number): Promise<Outcome> => {
    try {
      const asked = { ...o, mediaType, probe: probe ? ("mentions" as const) : undefined };
      const record = await facts.record(draft, repository, digest, asked);
      if (!record) return {};
      const { generation, pushed } = record;
      return { found: { row: memory.remember(record, stamp), generation, pushed } };
    } catch (error) {
      return { error };
    }
  };
  const outcomeOf = ({ glance, error }: Looked, each: Wanted): Outcome | Promise<Outcome> => {
    if (taken.has(each.digest)) return {};
    if (!glance) return { error };
    const { stamp, generation, since } = glance;
    const row = memory.find(each.digest, stamp, each.mediaType);
    if (row === undefined) return read(each, stamp);
    return each.probe && !memory.mayKeep(row) ? {} : { found: { row, generation, pushed: since } };
  };
  const places = [...looks.keys()];
  const sizeOf = (place: number) => Math.min(looks[place]!.glance?.size ?? 0, MANIFEST_LIMIT);
  return inWaves(places, (place) => outcomeOf(looks[place]!, wanted[place]!), sizeOf);
}

function heldRoots(draft: Draft, name: string, now: Ms): Root[] {
  const roots: Root[] = [];
  for (const [pin, { digest, until }] of draft.repository(name).pins) {
    if (until === undefined || until > now) roots.push({ repository: name, digest, why: "pin", name: pin });
  }
  for (const [owner, { until, held }] of draft.claims) {
    if (until <= now) continue;
    for (const digest of held.get(name) ?? []) roots.push({ repository: name, digest, why: "claim", name: owner });
  }
  return roots;
}
