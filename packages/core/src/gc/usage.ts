import type { Root } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { FlowGraph } from "../liveness/mark.ts";
import { bytesNode, keyOf } from "../liveness/node.ts";
import type { Digest } from "../model/digest.ts";
import { liveFlow } from "./flow.ts";
import type { Parts } from "./parts.ts";

/** What one root holds, in bytes. */
export interface RootUsage {
  readonly root: Root;
  /** All that it keeps, referrers included. */
  readonly size: number;
  /** What nothing but it keeps: what would go with it. */
  readonly unique: number;
  /** What others keep as well. */
  readonly shared: number;
}

/** A whole store, in bytes; each digest counts once. */
export interface Usage {
  readonly roots: readonly RootUsage[];
  readonly live: number;
  /** What a collection could take, grace left aside. */
  readonly garbage: number;
  readonly condemned: number;
  readonly uploads: number;
}

/** Who uses how much. Roots on one manifest (two tags, a tag and a pin) count as one holder, so that none hides the other. */
export async function usage(parts: Parts, o: Signal = {}): Promise<Usage> {
  const { catalog, blobs } = parts;
  const reader = await catalog.graph(o);
  const { graph } = await liveFlow(reader, o);
  const holders = new Map<string, { readonly roots: Root[]; readonly ids: readonly number[] }>();
  for await (const root of reader.allRoots(o)) {
    const key = keyOf(root);
    const holder = holders.get(key) ?? { roots: [], ids: [graph.id(key), graph.id(keyOf(bytesNode(root.digest)))] };
    holder.roots.push(root);
    holders.set(key, holder);
  }
  const sizes = await sizesOf(parts, graph, o);

  const heldBy = new Uint32Array(graph.size);
  for (const { ids } of holders.values()) {
    o.signal?.throwIfAborted();
    for (const node of graph.reach(ids)) heldBy[node]! += 1;
  }
  const roots: RootUsage[] = [];
  for (const { ids, roots: names } of holders.values()) {
    let size = 0;
    let unique = 0;
    for (const node of graph.reach(ids)) {
      size += sizes[node]!;
      if (heldBy[node] === 1) unique += sizes[node]!;
    }
    for (const root of names) roots.push({ root, size, unique, shared: size - unique });
  }

  let live = 0;
  let garbage = 0;
  for (let node = 0; node < sizes.length; node++) {
    if (heldBy[node]) live += sizes[node]!;
    else garbage += sizes[node]!;
  }
  let condemned = 0;
  for await (const { size } of catalog.condemned(o)) condemned += size;
  let uploads = 0;
  for await (const { offset } of blobs.uploads(o)) uploads += offset;
  return { roots, live, garbage, condemned, uploads };
}

/** Bytes by node: 0 for what is a manifest in a repository, since its bytes are a node of their own. */
async function sizesOf({ blobs, catalog }: Parts, graph: FlowGraph, o: Signal): Promise<Float64Array> {
  const sizes = new Map<number, number>();
  // What is condemned may lie where it lay, and is counted as such.
  const condemned = new Set<Digest>();
  for await (const { digest } of catalog.condemned(o)) condemned.add(digest);
  for await (const { digest, size } of blobs.list(o)) {
    if (!condemned.has(digest)) sizes.set(graph.id(keyOf(bytesNode(digest))), size);
  }
  const array = new Float64Array(graph.size);
  for (const [node, size] of sizes) array[node] = size;
  return array;
}
