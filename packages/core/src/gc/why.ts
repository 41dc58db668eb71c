import type { GraphNode, Root } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { bytesNode, keyOf } from "../liveness/node.ts";
import type { Hold, Link } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Parts } from "./parts.ts";

/** One reason why content stays: a root, and the shortest chain of links from it down to the content. */
export interface Reason {
  readonly root: Root;
  readonly chain: readonly Link[];
}

/**
 * Why is it kept? Every root that keeps the bytes of a digest, nearest first, each with its shortest chain. Nothing is
 * yielded for garbage. It asks what the collector asks, so there is no hidden reason.
 */
export async function* why({ catalog }: Parts, digest: Digest, o: Signal = {}): AsyncGenerator<Reason> {
  const graph = await catalog.graph(o);
  const met = new Map<string, { node: GraphNode; held?: string; keeps?: Hold }>();
  const queue: string[] = [];
  const meet = (nodes: readonly GraphNode[], held: string | undefined, keeps: Hold | undefined) => {
    for (const node of nodes) {
      const key = keyOf(node);
      if (met.has(key)) continue;
      met.set(key, { node, ...(held !== undefined && { held }), ...(keeps && { keeps }) });
      queue.push(key);
    }
  };
  meet([bytesNode(digest)], undefined, undefined);
  for (let next = 0; next < queue.length; next++) {
    o.signal?.throwIfAborted();
    const key = queue[next]!;
    const { node } = met.get(key)!;
    for (const root of await graph.roots(node, o)) {
      const chain: Link[] = [];
      for (let at: string | undefined = key; at !== undefined; ) {
        const link: { node: GraphNode; held?: string; keeps?: Hold } = met.get(at)!;
        chain.push({ node: link.node, keeps: link.keeps });
        at = link.held;
      }
      yield { root, chain };
    }
    meet(await graph.parents(node, o), key, "content");
    meet(await graph.subjects(node, o), key, "subject");
    meet(await graph.referrers(node, o), key, "referrer");
  }
}
