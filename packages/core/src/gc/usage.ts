import type { Root } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
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
export async function usage({ catalog, blobs }: Parts, o: Signal = {}): Promise<Usage> {
  const reader = await catalog.graph(o);
  const flow = await liveFlow(reader, o);
  const sizes = new Float64Array(await blobNodes());

  const holders = new Map<string, { roots: Root[]; ids: number[] }>();
  for await (const root of reader.allRoots(o)) {
    const key = keyOf(root);
    const holder = holders.get(key) ?? { roots: [], ids: [flow.graph.id(key), flow.graph.id(root.digest)] };
    holder.roots.push(root);
    holders.set(key, holder);
  }
  const held = new Uint32Array(flow.graph.size);
  const marks = (ids: readonly number[]) => flow.graph.mark(ids);
  for (const { ids } of holders.values()) {
    o.signal?.throwIfAborted();
    const mark = marks(ids);
    for (let id = 0; id < mark.length; id++) if (mark[id] && sizes[id]) held[id]! += 1;
  }
  const roots: RootUsage[] = [];
  for (const { ids, roots: names } of holders.values()) {
    const mark = marks(ids);
    let size = 0;
    let unique = 0;
    for (let id = 0; id < mark.length; id++) {
      if (!mark[id]) continue;
      size += sizes[id] ?? 0;
      if (held[id] === 1) unique += sizes[id] ?? 0;
    }
    for (const root of names) roots.push({ root, size, unique, shared: size - unique });
  }

  let live = 0;
  let garbage = 0;
  for (let id = 0; id < sizes.length; id++) {
    if (held[id]) live += sizes[id]!;
    else garbage += sizes[id]!;
  }
  let condemned = 0;
  for await (const { size } of catalog.condemned(o)) condemned += size;
  let uploads = 0;
  for await (const { offset } of blobs.uploads(o)) uploads += offset;
  return { roots, live, garbage, condemned, uploads };

  async function blobNodes(): Promise<number[]> {
    const list: number[] = [];
    const counted = new Set<Digest>();
    for await (const { digest, size } of blobs.list(o)) {
      if (counted.has(digest)) continue;
      counted.add(digest);
      list[flow.graph.id(keyOf(bytesNode(digest)))] = size;
    }
    for (let id = 0; id < flow.graph.size; id++) list[id] ??= 0;
    return list;
  }
}
