import type { GraphNode } from "../contract/catalog.ts";
import type { Digest } from "../model/digest.ts";

/** A manifest in a repository. */
export function manifestNode(repository: string, digest: Digest): GraphNode {
  return { repository, digest };
}

/** The bytes of a digest, whoever names them. */
export function bytesNode(digest: Digest): GraphNode {
  return { repository: undefined, digest };
}

/** The manifests that bytes are, of their parents: these come first, and there may be very many others. */
export function beingOf(parents: Iterable<GraphNode>, digest: Digest): GraphNode[] {
  const being: GraphNode[] = [];
  for (const node of parents) {
    if (node.digest !== digest) break;
    being.push(node);
  }
  return being;
}

/** A key that is equal for equal nodes. Neither a digest nor a repository's name holds a space. */
export function keyOf(node: GraphNode): string {
  return node.repository === undefined ? node.digest : `${node.repository} ${node.digest}`;
}
