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
  /**
   * Takes manifests for stored that were found and read for the graph before this one, if that was made just now; what was not, is
   * looked at. All else is as in any other graph: the document is the one that was just loaded, and the way along what the
   * manifests name is gone again.
   *
   * Nothing dies by that. What a manifest names never changes, so whatever has come to be referenced since is found: from the
   * document, which is new, along manifests that are known, or that were absent or damaged, and are looked at. What another tool has
   * erased meanwhile may still keep what it named, as if it had been erased a moment later.
   */
  readonly again?: boolean | undefined;
}

/** So old at most is what a second look goes by. */
const JUST_NOW: Ms = 60_000;

export async function buildStoreGraph(sources: Sources): Promise<StoreGraph> {
  const { draft, memory, now } = sources;
  const before = lastOf(sources);
  const names = draft.repositoryNames();
  for (const { held } of draft.claims.values()) {
    for (const name of held.keys()) names.add(name);
  }
  const members = new MemberList(memory.current);
  const listings: Listing[] = [];
  for (const name of names) listings.push(await readRepository(sources, name, members, before?.graph));
  const graph = new MemberGraph(members, listings);
  if (members.memory === memory.current) memory.last = { graph, draft, looked: before ? before.looked : now };
  memory.trim(members.size);
  return new StoreGraph(graph);
}

/** The graph before this one, where what it has found may be taken for what is there. */
function lastOf({ draft, facts, memory: { last }, again, now }: Sources): SharedMemory["last"] {
  // Where the document is the record, looking costs nothing.
  if (!last || facts.membership === "recorded") return undefined;
  // All answers to one command may be of one moment.
  return last.draft === draft || (again && Math.abs(now - last.looked) < JUST_NOW) ? last : undefined;
}

async function readRepository(
  sources: Sources,
  name: string,
  members: MemberList,
  before: MemberGraph | undefined,
): Promise<Listing> {
  const { draft, now, o, unclaimed = false } = sources;
  const { manifests, tags } = draft.repository(name);
  const held = heldRoots(draft, name, now).filter(({ why }) => why !== "claim" || !unclaimed);
  members.begin(name);
  const { digests } = members.memory;
  const find = findManifests(sources, name, members, before);

  function* wanted(): Generator<Wanted> {
    for (const [digest, { mediaType }] of manifests) yield { id: digests.id(digest), digest, mediaType, probe: false };
    // A pin or a claim may be on anything; only what is plainly a manifest is read as one.
    for (const { digest } of held) yield { id: digests.id(digest), probe: true };
  }
  const start = members.size;
  await readManifests(wanted(), find, members, o);
  if (draft.lost.keys().next().done === false) {
    const known = new Set<number>();
    for (let member = start; member < members.size; member++) known.add(members.digestNumber(member));
    members.beginLost();
    const isKnown = (id: number) => known.has(id);
    const lost = [...draft.lost.keys()].map((digest): Wanted => ({ id: digests.id(digest), probe: true }));
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
function findManifests(
  sources: Sources,
  repository: string,
  { memory }: MemberList,
  last: MemberGraph | undefined,
): (wanted: readonly Wanted[]) => Promise<readonly Outcome[]> {
  const { draft, facts, o } = sources;
  const before = last?.members.memory === memory ? foundBefore(last, repository) : undefined;
  const { taken } = draft.repository(repository);
  const gone = new Set([...taken].map((digest) => memory.digests.id(digest)));

  const read = async (digest: Digest, { mediaType, probe }: Wanted, stamp: number): Promise<Outcome> => {
    try {
      const asked = { ...o, mediaType, probe: probe ? ("mentions" as const) : undefined };
      const record = await facts.record(draft, repository, digest, asked);
      if (!record) return NOTHING;
      const { generation, pushed } = record;
      return { found: { row: memory.remember(record, stamp), generation, pushed } };
    } catch (error) {
      return { error };
    }
  };
  const outcomeOf = (digest: Digest, each: Wanted, { glance, error }: Looked): Outcome | Promise<Outcome> => {
    if (!glance) return error === undefined ? NOTHING : { error };
    const { stamp, generation, since } = glance;
    const row = memory.rowOf(each.id);
    if (row === undefined || !memory.isAsRead(row, stamp, each.mediaType)) return read(digest, each, stamp);
    return each.probe && !memory.mayKeep(row) ? NOTHING : { found: { row, generation, pushed: since } };
  };

  return async (wanted) => {
    const outcomes: (Outcome | undefined)[] = wanted.map((each) => (gone.has(each.id) ? NOTHING : before?.(each)));
    const places = [...outcomes.keys()].filter((place) => outcomes[place] === undefined);
    if (places.length === 0) return outcomes as Outcome[];
    const digests = places.map((place) => wanted[place]!.digest ?? memory.digests.digest(wanted[place]!.id));
    const isUnread = (at: number) => memory.rowOf(wanted[places[at]!]!.id) === undefined;
    const looks = await facts.glances(draft, repository, digests, { ...o, isUnread });
    const sizeOf = (at: number) => Math.min(looks[at]!.glance?.size ?? 0, MANIFEST_LIMIT);
    const work = (at: number) => outcomeOf(digests[at]!, wanted[places[at]!]!, looks[at]!);
    for (const [at, outcome] of (await inWaves([...places.keys()], work, sizeOf)).entries()) {
      outcomes[places[at]!] = outcome;
    }
    return outcomes as Outcome[];
  };
}

const NOTHING: Outcome = {};

function foundBefore(last: MemberGraph, repository: string): ((wanted: Wanted) => Outcome | undefined) | undefined {
  const { members } = last;
  const { memory } = members;
  const number = members.numberOf(repository);
  if (number === undefined) return undefined;
  const { start, end } = members.range(number);
  return ({ id, mediaType, probe }) => {
    const member = last.memberOf(id, start, end);
    const found = member === undefined ? undefined : members.found(member);
    if (!found || !memory.isOfType(found.row, mediaType)) return undefined;
    return probe && !memory.mayKeep(found.row) ? NOTHING : { found };
  };
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
