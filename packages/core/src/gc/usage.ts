import type { Root } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { IntList } from "../liveness/int-list.ts";
import type { NodeTable } from "../liveness/node-table.ts";
import type { Digest } from "../model/digest.ts";
import { type Flow, liveFlow } from "./flow.ts";
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
  /** Largest first, then by name. Each is made as it is met, and they can be gone through more than once. */
  readonly roots: Iterable<RootUsage>;
  readonly live: number;
  /** What a collection could take, grace left aside. */
  readonly garbage: number;
  readonly condemned: number;
  readonly uploads: number;
}

/**
 * Who uses how much. Roots on one manifest (two tags, a tag and a pin) count as one holder, so that none hides the other.
 *
 * What a root has alone is worked out for all of them together. For its size each is followed down, those that refer to
 * each other once: that is the work of the graph where roots share little, and at worst of the graph for each root.
 */
export async function usage(parts: Parts, o: Signal = {}): Promise<Usage> {
  const { catalog, blobs } = parts;
  const reader = await catalog.graph(o);
  const flow = await liveFlow(reader, o);
  const roots = new RootList(flow.nodes);
  for await (const root of reader.allRoots(o)) roots.add(root);
  flow.graph.include(flow.nodes.size - 1);

  const { garbage: unknown, sizes } = await sizesOf(parts, flow, o);
  const soles = flow.graph.soleHolders(roots.holders);
  const unique = new Float64Array(roots.holders.length);
  let live = 0;
  let garbage = unknown;
  for (let node = 0; node < sizes.length; node++) {
    const sole = soles[node]!;
    if (sole > 0) unique[sole - 1]! += sizes[node]!;
    if (sole === 0) garbage += sizes[node]!;
    else live += sizes[node]!;
  }
  const totals = holderTotals(flow, roots.holders, sizes, o);

  let condemned = 0;
  for await (const { size } of catalog.condemned(o)) condemned += size;
  let uploads = 0;
  for await (const { offset } of blobs.uploads(o)) uploads += offset;
  return { roots: roots.with(totals, unique), live, garbage, condemned, uploads };
}

/** Bytes by node, 0 for what is a manifest in a repository, since its bytes are a node of their own; and those of no node. */
async function sizesOf(
  { blobs, catalog }: Parts,
  { nodes }: Flow,
  o: Signal,
): Promise<{ readonly sizes: Float64Array; readonly garbage: number }> {
  const sizes = new Float64Array(nodes.size);
  let garbage = 0;
  // What is condemned may lie where it lay, and is counted as such.
  const condemned = new Set<Digest>();
  for await (const { digest } of catalog.condemned(o)) condemned.add(digest);
  for await (const { digest, size } of blobs.list(o)) {
    if (condemned.has(digest)) continue;
    const node = nodes.find(undefined, digest);
    if (node === undefined) garbage += size;
    else sizes[node] = size;
  }
  return { sizes, garbage };
}

/** All that each holder keeps, in bytes. */
function holderTotals(
  { graph, nodes, subjects }: Flow,
  holders: IntList,
  sizes: Float64Array,
  o: Signal,
): Float64Array {
  const groups = groupsOf(subjects, nodes.size);
  const known = new Map<number, number>();
  const totals = new Float64Array(holders.length);
  for (let place = 0; place < holders.length; place++) {
    o.signal?.throwIfAborted();
    const holder = holders.at(place);
    // A referrer and its subject keep each other, and so the same.
    const group = groups ? groups[holder]! : holder;
    let total = known.get(group);
    if (total === undefined) {
      total = 0;
      const reached = graph.reach([holder]);
      for (let at = 0; at < reached.length; at++) total += sizes[reached[at]!]!;
      if (groups) known.set(group, total);
    }
    totals[place] = total;
  }
  return totals;
}

/** A node of each group that is linked by subjects, for every node; `undefined` if nothing refers to anything. */
function groupsOf(subjects: IntList, size: number): Int32Array | undefined {
  if (subjects.length === 0) return undefined;
  const parent = new Int32Array(size);
  for (let node = 0; node < size; node++) parent[node] = node;
  const top = (node: number): number => {
    let at = node;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  for (let at = 0; at < subjects.length; at += 2) parent[top(subjects.at(at))] = top(subjects.at(at + 1));
  for (let node = 0; node < size; node++) parent[node] = top(node);
  return parent;
}

const REASONS: readonly Root["why"][] = ["tag", "pin", "claim", "own"];

/** Roots, and the nodes that hold by them, as numbers: there may be hundreds of thousands. */
class RootList {
  /** The node of each holder. */
  readonly holders = new IntList();
  readonly #nodes: NodeTable;
  /** By node: its place among the holders. */
  readonly #places = new Map<number, number>();
  /** By root: the place of its holder, why, and its name. */
  readonly #of = new IntList();
  readonly #why = new IntList();
  readonly #names: (string | undefined)[] = [];

  constructor(nodes: NodeTable) {
    this.#nodes = nodes;
  }

  add({ repository, digest, why, name }: Root): void {
    const node = this.#nodes.id(repository, digest);
    let place = this.#places.get(node);
    if (place === undefined) {
      place = this.holders.push(node);
      this.#places.set(node, place);
    }
    this.#of.push(place);
    this.#why.push(REASONS.indexOf(why));
    this.#names.push(name);
  }

  with(sizes: Float64Array, unique: Float64Array): Iterable<RootUsage> {
    const order = new Uint32Array(this.#of.length).map((_, at) => at);
    const sizeAt = (at: number) => sizes[this.#of.at(at)]!;
    const compare = (a: number, b: number) => sizeAt(b) - sizeAt(a) || byName(this.#names[a], this.#names[b]) || a - b;
    order.sort(compare);
    const one = (at: number): RootUsage => {
      const place = this.#of.at(at);
      const size = sizes[place]!;
      const { repository, digest } = this.#nodes.node(this.holders.at(place));
      const name = this.#names[at];
      const root: Root = { repository, digest, why: REASONS[this.#why.at(at)]!, ...(name !== undefined && { name }) };
      return { root, size, unique: unique[place]!, shared: size - unique[place]! };
    };
    return {
      *[Symbol.iterator]() {
        for (const at of order) yield one(at);
      },
    };
  }
}

function byName(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  return a < b ? -1 : 1;
}
