import type { GraphNode, Root } from "../contract/catalog.ts";
import type { Verdict } from "../liveness/search.ts";

/** A root in words. */
export function describeRoot({ why, name, repository, digest }: Root): string {
  const where = repository ? ` in ${repository}` : "";
  if (why === "own") return `untagged ${digest}${where}`;
  return `${why} ${name ?? ""}${where}`;
}

/** A node in words. */
export function describeNode({ repository, digest }: GraphNode): string {
  return repository ? `${digest} in ${repository}` : digest;
}

/** Who holds a live node, nearest first: what names it, then the root that all hangs on. */
export function holdersOf(verdict: Verdict & { readonly live: true }): string[] {
  const { chain, root } = verdict;
  const nearest = chain.at(-2);
  return [...(nearest ? [describeNode(nearest.node)] : []), describeRoot(root)];
}
