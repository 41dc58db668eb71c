import { append } from "../catalog/graph/multimap.ts";
import type { Change, GraphReader, Policy, Root } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import type { Ms, Signal } from "../contract/environment.ts";
import { checkedRetention, type RetentionRule } from "../contract/retention.ts";
import { OciStoreError } from "../errors.ts";
import type { Digest } from "../model/digest.ts";
import { decideRetention, type RetentionDecision, type TagFacts } from "./retention/index.ts";

export interface AgeingOptions extends Signal {
  /** Drop the `own` mark of what is older; the policy's age unless given, and never if there is none. */
  readonly untagged?: Ms | undefined;
  /** Rules about tags in place of the policy's. */
  readonly retention?: readonly RetentionRule[] | undefined;
  /** Whoever answers for a layout that another tool made means its untagged content to go. */
  readonly adopt?: boolean | undefined;
}

/** A tag with what the rules make of it. */
export interface TagDecision extends RetentionDecision {
  readonly repository: string;
}

/** What loses its last reason by rules about age, before anything is asked about liveness. */
export interface Ageing {
  readonly steps: ReadonlyMap<string, readonly Change[]>;
  /** Of every tag, if there are rules. */
  readonly decisions: readonly TagDecision[];
  /** Why, for manifests that a rule has let go. */
  readonly reasons: ReadonlyMap<Digest, string>;
  /** The graph as it will be then. */
  readonly graph: GraphReader;
}

/**
 * @param before What has arrived later is younger than the grace, and keeps its mark. A tag goes by its rule alone, and
 * its content has what is left of its grace.
 * @throws `UNSUPPORTED` if it would take untagged content from a layout that another tool made and nobody has adopted.
 */
export async function ageing(
  graph: GraphReader,
  policy: Policy,
  { now, before }: { readonly now: Ms; readonly before: Ms | undefined },
  o: AgeingOptions,
): Promise<Ageing> {
  const untagged = o.untagged === undefined ? policy.untagged : checkedTime(o.untagged, "untagged");
  const rules = o.retention === undefined ? (policy.retention ?? []) : checkedRetention(o.retention);
  const steps = new Map<string, Change[]>();
  const reasons = new Map<Digest, string>();
  const goes = new Set<string>();
  if (untagged === undefined && rules.length === 0) return { steps, decisions: [], reasons, graph };

  const limit = Math.min(now - (untagged ?? 0), before ?? now);
  const tags = new Map<string, TagFacts[]>();
  for await (const root of graph.allRoots(o)) {
    o.signal?.throwIfAborted();
    const { repository, digest, why, name } = root;
    if (repository === undefined) continue;
    // Referrer machinery is no root, so no rule ever hears of it.
    if (why === "tag" && name !== undefined && rules.length > 0) {
      append(tags, repository, { name, digest, pushed: await pushedOf(graph, repository, digest, o) });
    }
    if (why !== "own" || untagged === undefined) continue;
    const located = await graph.locate(undefined, digest, o);
    if (!located || located.since > limit) continue;
    append(steps, repository, { do: "disown", manifest: digest, before: limit });
    reasons.set(digest, "untagged for too long");
    goes.add(keyOf(root));
  }
  if (goes.size > 0 && policy.foreign && !o.adopt) throw notAdopted();

  const decisions: TagDecision[] = [];
  for (const [repository, facts] of tags) {
    facts.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const decision of decideRetention(facts, rules, now)) {
      decisions.push({ repository, ...decision });
      if (decision.keep) continue;
      const { name, digest } = decision;
      append(steps, repository, { do: "expire", name, on: digest, before: now });
      reasons.set(digest, `was ${name}: ${decision.reason}`);
      goes.add(keyOf({ repository, digest, why: "tag", name }));
    }
  }
  return {
    steps,
    decisions,
    reasons,
    graph: goes.size === 0 ? graph : without(graph, (root) => goes.has(keyOf(root))),
  };
}

/** When a manifest came into a repository; on a plain layout, when it was last touched. */
async function pushedOf(graph: GraphReader, repository: string, digest: Digest, o: Signal): Promise<Ms | undefined> {
  try {
    return (await graph.manifest(repository, digest, o))?.pushed;
  } catch (error) {
    // It cannot be read. Its tag is somebody's last hold on it, so no rule about time takes that.
    if (o.signal?.aborted || !(error instanceof OciStoreError)) throw error;
    return undefined;
  }
}

function without(graph: GraphReader, goes: (root: Root) => boolean): GraphReader {
  return {
    roots: async (node, o) => (await graph.roots(node, o)).filter((root) => !goes(root)),
    parents: (node, o) => graph.parents(node, o),
    subjects: (node, o) => graph.subjects(node, o),
    referrers: (node, o) => graph.referrers(node, o),
    manifests: (o) => graph.manifests(o),
    allRoots: async function* (o) {
      for await (const root of graph.allRoots(o)) if (!goes(root)) yield root;
    },
    unreadable: (o) => graph.unreadable(o),
    manifest: (repository, digest, o) => graph.manifest(repository, digest, o),
    locate: (repository, digest, o) => graph.locate(repository, digest, o),
  };
}

function keyOf({ repository, digest, why, name }: Pick<Root, "repository" | "digest" | "why" | "name">): string {
  return JSON.stringify([repository, digest, why, why === "tag" ? name : undefined]);
}

function notAdopted(): OciStoreError {
  return new OciStoreError(
    "UNSUPPORTED",
    "another tool made this layout, and may mean its untagged content to stay; setting a policy makes it ours",
  );
}
