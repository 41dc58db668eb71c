import type { Root } from "../../contract/catalog.ts";
import type { Ms, Signal } from "../../contract/environment.ts";
import { manifestNode } from "../../liveness/node.ts";
import { type SyncGraph, searchNow, type Verdicts } from "../../liveness/search.ts";
import type { Digest } from "../../model/digest.ts";
import type { Draft } from "../draft.ts";
import type { CellFacts } from "../facts.ts";
import { type Links, linksOf, storedContent } from "./links.ts";
import { listedOwn } from "./listed-own.ts";
import { linkMachinery } from "./machinery.ts";
import { append } from "./multimap.ts";
import { type ManifestsRead, readManifests, type Wanted } from "./read-manifests.ts";

/** The stored manifests of one repository, who names whom, and the roots. */
export interface RepositoryGraph extends ManifestsRead, Links {
  readonly name: string;
  readonly roots: Map<Digest, Root[]>;
  /** Tags that are referrer machinery at present. */
  readonly machinery: ReadonlySet<string>;
}

export async function buildRepositoryGraph(
  draft: Draft,
  name: string,
  facts: CellFacts,
  now: Ms,
  o: Signal = {},
): Promise<RepositoryGraph> {
  const { manifests, tags } = draft.repository(name);
  const held = heldRoots(draft, name, now);

  const wanted: Wanted[] = [];
  for (const [digest, { mediaType }] of manifests) wanted.push({ digest, mediaType, probe: false });
  // A pin or a claim may be on anything; only what is plainly a manifest is read as one.
  for (const { digest } of held) wanted.push({ digest, probe: true });
  const record = (each: Wanted) =>
    facts.record(draft, name, each.digest, {
      ...o,
      mediaType: each.mediaType,
      probe: each.probe ? "mentions" : undefined,
    });
  const read = await readManifests(wanted, record, o);

  const links = linksOf(read);
  const machinery = linkMachinery(tags, () => storedContent(manifests.keys(), read), read, links);
  const lost = [...draft.lost.keys()].filter((digest) => !read.records.has(digest));
  const records =
    lost.length === 0 ? read.records : withLost(read, links, await readManifests(lost.map(probed), record, o));
  const graph: RepositoryGraph = { name, ...read, records, ...links, roots: new Map(), machinery };

  const addRoot = (root: Root) => append(graph.roots, root.digest, root);
  for (const root of held) addRoot(root);
  for (const [tag, digest] of tags) {
    if (!machinery.has(tag)) addRoot({ repository: name, digest, why: "tag", name: tag });
  }
  const tagged = new Set([...tags].map(([, digest]) => digest));
  const unsettled: Digest[] = [];
  for (const [digest, { own }] of manifests) {
    if (own === true) addRoot({ repository: name, digest, why: "own" });
    else if (own === undefined && !tagged.has(digest)) unsettled.push(digest);
  }
  const verdicts: Verdicts = new Map();
  const view = manifestView(graph);
  const isLive = (digest: Digest) => searchNow(view, manifestNode(name, digest), verdicts).live;
  for (const digest of listedOwn(unsettled, links, isLive)) {
    addRoot({ repository: name, digest, why: "own" });
    verdicts.clear();
  }
  return graph;
}

const probed = (digest: Digest): Wanted => ({ digest, probe: true });

/**
 * What has lost its last reason shares its grace with what it names, and does nothing else: above all it is nobody's
 * referrer any more, or a signature that was deleted would live again through the image that it signs.
 */
function withLost(read: ManifestsRead, links: Links, lost: ManifestsRead): ManifestsRead["records"] {
  const records = new Map(read.records);
  for (const [digest, record] of lost.records) {
    if (records.has(digest)) continue;
    records.set(digest, record);
    for (const { to, kind } of record.edges) if (kind !== "subject") append(links.parents, to, digest);
  }
  return records;
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

/** The four questions of the rule about manifests of one repository. */
export function manifestView({ name, roots, parents, subjects, referrers }: RepositoryGraph): SyncGraph {
  const among = (side: ReadonlyMap<Digest, readonly Digest[]>, digest: Digest) =>
    (side.get(digest) ?? []).map((other) => manifestNode(name, other));
  return {
    roots: ({ digest }) => roots.get(digest) ?? [],
    parents: ({ digest }) => among(parents, digest),
    subjects: ({ digest }) => among(subjects, digest),
    referrers: ({ digest }) => among(referrers, digest),
  };
}
