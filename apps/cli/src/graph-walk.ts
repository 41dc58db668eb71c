import type { Digest, EdgeKind } from "@ocistore/core";
import type { Content } from "./content.ts";

export interface GraphEdge {
  readonly from: Digest;
  readonly to: Digest;
  readonly edge: EdgeKind;
}

export interface GraphTag {
  readonly tag: string;
  readonly to: Digest;
}

/** What a manifest leads to, referrers included; without one, all that any manifest names. */
export async function reachable(content: Content, start: Digest | undefined): Promise<Set<Digest>> {
  const digests = new Set<Digest>(
    start ? [start] : [...content.records.keys(), ...content.unreadable.keys(), ...content.tags.values()],
  );
  for (const digest of digests) {
    for (const { to, kind } of content.edgesOf(digest)) {
      if (kind !== "subject" || start === undefined) digests.add(to);
    }
    for (const referrer of await content.referrersOf(digest)) digests.add(referrer);
  }
  return digests;
}

/** Edges that start and end among them. */
export async function edgesOf(content: Content, digests: ReadonlySet<Digest>): Promise<GraphEdge[]> {
  const edges: GraphEdge[] = [];
  for (const from of digests) {
    for (const { to, kind } of content.edgesOf(from)) if (digests.has(to)) edges.push({ from, to, edge: kind });
    // What refers by the name of its tag, as cosign's signatures do, has no field that says so.
    for (const referrer of await content.referrersOf(from)) {
      const says = content.edgesOf(referrer).some(({ kind, to }) => kind === "subject" && to === from);
      if (!says) edges.push({ from: referrer, to: from, edge: "subject" });
    }
  }
  return edges;
}
