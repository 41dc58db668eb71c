import type { GraphNode, Root } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import { IntList } from "../liveness/int-list.ts";
import { NodeTable } from "../liveness/node-table.ts";
import type { Hold, Link } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Parts } from "./parts.ts";

/** One reason why content stays: a root, and the shortest chain of links from it down to the content. */
export interface Reason {
  readonly root: Root;
  readonly chain: readonly Link[];
}

const HOLDS: readonly Hold[] = ["content", "subject", "referrer"];
const NONE = -1;

/**
 * Why is it kept? Every root that keeps the bytes of a digest, nearest first, each with its shortest chain. Nothing is
 * yielded for garbage. It asks what the collector asks, so there is no hidden reason. Of each node that it meets it keeps
 * some 70 bytes.
 */
export async function* why({ catalog }: Parts, digest: Digest, o: Signal = {}): AsyncGenerator<Reason> {
  const graph = await catalog.graph(o);
  // Numbered as they are met, so the numbers are the queue too.
  const met = new NodeTable();
  const held = new IntList();
  const keeps = new IntList();
  const meet = ({ repository, digest: other }: GraphNode, by: number, hold: number) => {
    if (met.id(repository, other) < held.length) return;
    held.push(by);
    keeps.push(hold);
  };
  meet({ repository: undefined, digest }, NONE, NONE);
  for (let next = 0; next < met.size; next++) {
    o.signal?.throwIfAborted();
    const node = met.node(next);
    for (const root of await graph.roots(node, o)) yield { root, chain: chainFrom(next) };
    for (const parent of await graph.parents(node, o)) meet(parent, next, 0);
    for (const subject of await graph.subjects(node, o)) meet(subject, next, 1);
    for (const referrer of await graph.referrers(node, o)) meet(referrer, next, 2);
  }

  function chainFrom(start: number): Link[] {
    const chain: Link[] = [];
    for (let at = start; at !== NONE; at = held.at(at)) {
      chain.push({ node: met.node(at), keeps: HOLDS[keeps.at(at)] });
    }
    return chain;
  }
}
