import { append } from "../catalog/graph/multimap.ts";
import type { Change, GraphReader } from "../contract/catalog.ts";
import type { Ms, Signal } from "../contract/environment.ts";
import type { Located } from "../contract/placement.ts";
import { inWaves } from "../contract/waves.ts";
import type { Digest } from "../model/digest.ts";
import { MANIFEST_LIMIT } from "../model/json.ts";
import type { Ageing } from "./ageing.ts";
import { liveFlow } from "./flow.ts";
import type { Found } from "./found.ts";
import type { Parts } from "./parts.ts";
import type { Kept, PlanItem } from "./plan.ts";
import { ARRIVING } from "./plan-strays.ts";
import { liveUnreadable } from "./unreadable.ts";

/**
 * Every byte that nothing keeps and that is past the grace, by a mark of the whole store. Grace flows as liveness does, from
 * what is young to all that it names, so that an image whose tag went a minute ago is still whole when somebody comes back
 * for it.
 */
export async function markedGarbage(
  parts: Parts,
  aged: Ageing,
  { before, ...o }: Signal & { readonly before: Ms | undefined },
): Promise<Found> {
  const { catalog, env } = parts;
  const isYoung = (since: Ms, limit: Ms | undefined) => limit !== undefined && since > limit;
  const { graph } = aged;
  const blocking = await liveUnreadable(graph, graph);

  const flow = await liveFlow(graph, o);
  const { nodes } = flow;
  const live = flow.graph.mark(flow.roots);
  const isMarked = (marks: Uint8Array, digest: Digest) => {
    const id = nodes.find(undefined, digest);
    return id !== undefined && marks[id] === 1;
  };
  const isManifest = flow.graph.mark([]);
  for (const id of flow.manifests) isManifest[nodes.bytesOf(id)!] = 1;

  const unmarked: Located[] = [];
  // What is condemned may lie where it lay, and goes when it is due.
  const condemned = new Set<Digest>();
  for await (const { digest } of catalog.condemned(o)) condemned.add(digest);
  for await (const located of parts.blobs.list(o)) {
    o.signal?.throwIfAborted();
    if (condemned.has(located.digest)) continue;
    if (!isMarked(live, located.digest)) unmarked.push(located);
  }
  const loose = await inWaves(unmarked, (located) => sinceOf(parts, graph, located, o));
  const records = await inWaves(loose, (located) => strayManifest(parts, graph, located, o), sizeToRead);
  // The young are roots for the grace only: what they name is held back with them.
  const kinds = new Map<Digest, PlanItem["kind"]>();
  const youngRoots = [...flow.roots];
  for (const [place, { digest, since, known }] of loose.entries()) {
    const record = records[place];
    kinds.set(digest, record || isMarked(isManifest, digest) ? "manifest" : "blob");
    const id = nodes.id(undefined, digest);
    flow.graph.include(id);
    for (const { to } of record?.edges ?? []) flow.graph.keeps(id, nodes.id(undefined, to));
    if (!isYoung(since, known ? before : Math.min(before ?? env.now(), env.now() - ARRIVING))) continue;
    youngRoots.push(id);
  }
  // Also where another repository keeps the bytes: what it was that went here, and its referrers, can still be put back.
  for (const id of flow.manifests) {
    if (live[id] === 1) continue;
    const located = await graph.locate(undefined, nodes.digest(id), o);
    if (located && isYoung(located.since, before)) youngRoots.push(id);
  }
  const held = flow.graph.mark(youngRoots);

  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  for (const { digest, size, generation } of loose) {
    if (isMarked(held, digest)) kept.push({ digest, size, because: "grace", heldBy: [] });
    else if (blocking.length > 0) kept.push({ digest, size, because: "unreadable", heldBy: blocking });
    else
      items.push({
        digest,
        size,
        generation,
        kind: kinds.get(digest) ?? "blob",
        reason: aged.reasons.get(digest) ?? "nothing keeps it",
      });
  }
  const changes = new Map<string, Change[]>();
  for (const id of catalog.capabilities.edges ? flow.manifests : []) {
    if (live[id] === 1 || held[id] === 1) continue;
    const { repository = "", digest } = nodes.node(id);
    append(changes, repository, { do: "drop", manifest: digest });
  }
  return { items, kept, changes, reviewed: [] };
}

/** The catalog's word on when something lost its last reason goes before the time of the bytes. */
async function sinceOf({ blobs }: Parts, graph: GraphReader, located: Located, o: Signal) {
  const known = await graph.locate(undefined, located.digest, o);
  if (known && known.generation === located.generation) return { ...known, known: true };
  return { ...located, known: !blobs.capabilities.generations };
}

const sizeToRead = ({ size }: Located) => Math.min(size, MANIFEST_LIMIT);

/** A manifest that nothing leads to any more is still one where the bytes are the record of it: it lost its tag, say. */
async function strayManifest({ catalog }: Parts, graph: GraphReader, { digest, size }: Located, o: Signal) {
  if (catalog.capabilities.repositories || size > MANIFEST_LIMIT) return undefined;
  try {
    return await graph.manifest("", digest, { ...o, mentions: true });
  } catch (error) {
    if (o.signal?.aborted) throw error;
    return undefined;
  }
}
