import type { Digest, GraphNode, Root, SyncGraph } from "../../src/index.ts";

/** A graph of manifests with small numbers for digests: who names whom, who refers to whom, and what is a root. */
export interface SmallGraph {
  readonly nodes: number;
  readonly content: readonly (readonly [number, number])[];
  readonly subjects: readonly (readonly [number, number])[];
  readonly roots: readonly number[];
}

export const node = (number: number): GraphNode => ({ repository: "r", digest: `sha256:${number}` as Digest });
export const numberOf = ({ digest }: GraphNode): number => Number(digest.slice("sha256:".length));

/** The graph as the search asks it. */
export function asked({ content, subjects, roots }: SmallGraph): SyncGraph {
  const ends = (pairs: readonly (readonly [number, number])[], from: 0 | 1) => (of: GraphNode) =>
    pairs.filter((pair) => pair[from] === numberOf(of)).map((pair) => node(pair[from === 0 ? 1 : 0]));
  return {
    roots: (of): Root[] => (roots.includes(numberOf(of)) ? [{ ...of, why: "tag", name: `t${numberOf(of)}` }] : []),
    parents: ends(content, 1),
    subjects: ends(subjects, 0),
    referrers: ends(subjects, 1),
  };
}

/** What is live, by adding what the live keep until nothing is added. */
export function forward({ content, subjects, roots }: SmallGraph): Set<number> {
  const live = new Set(roots);
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    for (const [parent, child] of content) if (live.has(parent)) live.add(child);
    for (const [referrer, subject] of subjects) {
      if (live.has(referrer)) live.add(subject);
      if (live.has(subject)) live.add(referrer);
    }
  }
  return live;
}
