import { append } from "../catalog/graph/multimap.ts";
import type { Change, GraphNode, GraphReader, Root } from "../contract/catalog.ts";
import type { Ms, Signal } from "../contract/environment.ts";
import { beingOf, bytesNode } from "../liveness/node.ts";
import { type AsyncGraph, searchAsync, type Verdicts } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Ageing } from "./ageing.ts";
import type { Found } from "./found.ts";
import type { Parts } from "./parts.ts";
import type { Kept, PlanItem } from "./plan.ts";

/**
 * The same by what the catalog knows of: its candidates, and whatever those that are garbage named, referred to or were
 * referred to by. Each is one reverse search, so the cost follows the garbage, not the store.
 */
export async function queuedGarbage(
  { catalog }: Parts,
  aged: Ageing,
  { before, ...o }: Signal & { readonly before: Ms | undefined },
): Promise<Found> {
  const { graph } = aged;
  const live: Verdicts = new Map();
  const held: Verdicts = new Map();
  const withYoung = before === undefined ? graph : withGrace(graph, before);
  const isLive = async (node: GraphNode) => (await searchAsync(graph, node, live)).live;
  const isHeld = async (node: GraphNode) => (await searchAsync(withYoung, node, held)).live;

  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  const reviewed: Digest[] = [];
  const changes = new Map<string, Change[]>();
  const seen = new Set<Digest>();
  const due = before ?? Number.POSITIVE_INFINITY;
  for await (const digest of catalog.candidates({ ...o, due, limit: Number.POSITIVE_INFINITY })) seen.add(digest);
  const asked = seen.size;
  for (const digest of aged.reasons.keys()) seen.add(digest);

  let number = 0;
  // A set is walked in the order of its growth, so what is added is looked at too.
  for (const digest of seen) {
    o.signal?.throwIfAborted();
    const isCandidate = number++ < asked;
    const members = beingOf(await graph.parents(bytesNode(digest), o), digest);
    let isSettled = true;
    for (const node of members) {
      if (await isHeld(node)) {
        isSettled &&= await isLive(node);
        continue;
      }
      append(changes, node.repository!, { do: "drop", manifest: digest });
      isSettled = false;
      for (const next of await neighbours(graph, node, o)) seen.add(next);
    }
    const located = await graph.locate(undefined, digest, o);
    if (!located || (await isLive(bytesNode(digest)))) {
      if (isCandidate && isSettled) reviewed.push(digest);
      continue;
    }
    const { size, generation } = located;
    if (await isHeld(bytesNode(digest))) {
      kept.push({ digest, size, because: "grace", heldBy: [] });
      continue;
    }
    const reason = aged.reasons.get(digest) ?? "nothing keeps it";
    items.push({ digest, size, generation, kind: members.length > 0 ? "manifest" : "blob", reason });
  }
  return { items, kept, changes, reviewed };
}

/** What may have lived by a manifest alone. */
async function neighbours(graph: GraphReader, node: GraphNode, o: Signal): Promise<Digest[]> {
  const { repository = "", digest } = node;
  const edges = (await graph.manifest(repository, digest, o))?.edges ?? [];
  const around = [...(await graph.subjects(node, o)), ...(await graph.referrers(node, o))];
  return [...edges.map(({ to }) => to), ...around.map((each) => each.digest)];
}

/** As if everything that is younger were a root. */
function withGrace(graph: GraphReader, before: Ms): AsyncGraph {
  return {
    roots: async (node) => {
      const roots = await graph.roots(node);
      if (roots.length > 0) return roots;
      const located = await graph.locate(undefined, node.digest);
      const young: Root = { ...node, why: "own", name: "grace" };
      return located && located.since > before ? [young] : [];
    },
    parents: (node) => graph.parents(node),
    subjects: (node) => graph.subjects(node),
    referrers: (node) => graph.referrers(node),
  };
}
