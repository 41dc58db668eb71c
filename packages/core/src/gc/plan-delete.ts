import type { Change, GraphNode } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import { randomId, type Signal } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import { beingOf, bytesNode, manifestNode } from "../liveness/node.ts";
import { searchAsync, type Verdict, type Verdicts } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../model/reference.ts";
import { aimAt, without } from "./aim.ts";
import { holdersOf } from "./describe.ts";
import type { Parts } from "./parts.ts";
import type { Kept, Plan, PlanItem } from "./plan.ts";
import { liveUnreadable } from "./unreadable.ts";

export interface DeleteOptions extends Signal {
  /** What becomes of the child manifests of a deleted index that nothing else keeps. Default `delete`. */
  readonly children?: "delete" | "keep" | undefined;
  /** Take the referrers of what is deleted too, at any depth, with tags of their own as well. Default: only if nothing keeps them. */
  readonly referrers?: boolean | undefined;
  /** How long the bytes can be brought back; the window of the store unless given. */
  readonly window?: number | undefined;
}

/**
 * Works out what a deletion would take: the targets, and what then loses its last reason to live. The cost follows what
 * goes, and what holds the rest, not the size of the store.
 *
 * A tag takes itself, and its manifest unless something else holds that. A digest takes all its tags in the repository.
 * Several targets are one deletion: an index and its child can go together, though the index alone would hold the child.
 *
 * @throws `NOT_FOUND`; `IN_USE` with the holders, if a digest is named by what stays.
 */
export async function planDelete(
  { catalog, env }: Parts,
  repository: string,
  targets: readonly Target[],
  o: DeleteOptions = {},
): Promise<Plan> {
  const graph = await catalog.graph(o);
  const aim = await aimAt(targets, { catalog, graph, repository, o });
  const view = without(graph, repository, aim);
  const verdicts: Verdicts = new Map();
  const isLive = (node: GraphNode): Promise<Verdict> => searchAsync(view, node, verdicts);

  const kept: Kept[] = [];
  const dead = new Map<Digest, string>();
  for (const [digest, { reason, byDigest }] of aim.manifests) {
    // Without what earlier searches have proven: who holds a target has to be said down to the root.
    const verdict = await searchAsync(view, manifestNode(repository, digest));
    if (!verdict.live) {
      dead.set(digest, reason);
      continue;
    }
    const holders = holdersOf(verdict);
    if (byDigest) throw new OciStoreError("IN_USE", `${digest} is held by ${holders.join(", ")}`, { digest, holders });
    kept.push(await keptOf(digest, holders));
  }

  const keeps: Change[] = [];
  if (o.children === "keep") {
    for (const digest of dead.keys()) {
      for (const { to, kind } of (await recordOf(digest))?.edges ?? []) {
        if (kind !== "manifest" || dead.has(to) || aim.kept.has(to) || !(await recordOf(to))) continue;
        aim.kept.add(to);
        keeps.push({ do: "keep", manifest: to });
      }
    }
    verdicts.clear();
  }

  // What dies hands on to its content, its subject and its referrers; a set grows while it is walked.
  const loose = new Map<Digest, string>(dead);
  for (const [digest] of dead) {
    o.signal?.throwIfAborted();
    const edges = (await recordOf(digest))?.edges ?? [];
    const next = edges
      .filter(({ kind }) => kind !== "subject")
      .map(({ to }): [Digest, string] => [to, `named only by ${digest}`]);
    const subjects = edges.filter(({ kind }) => kind === "subject").map(({ to }) => to);
    for (const subject of await graph.subjects(manifestNode(repository, digest), o)) subjects.push(subject.digest);
    for (const subject of subjects) next.push([subject, `kept only by its referrer ${digest}`]);
    for (const referrer of await graph.referrers(manifestNode(repository, digest), o))
      next.push([referrer.digest, `refers to ${digest}`]);
    for (const [other, reason] of next) {
      if (!loose.has(other)) loose.set(other, reason);
      if (dead.has(other) || !(await isStoredManifest(other))) continue;
      const verdict = await isLive(manifestNode(repository, other));
      if (!verdict.live) dead.set(other, reason);
    }
  }

  const blocking = await liveUnreadable(graph, view);
  const items: PlanItem[] = [];
  for (const [digest, reason] of loose) {
    const located = await graph.locate(undefined, digest, o);
    if (!located) continue;
    const verdict = await isLive(bytesNode(digest));
    if (verdict.live) {
      if (!aim.manifests.has(digest)) kept.push(await keptOf(digest, await holdersDownFrom(verdict, digest)));
    } else if (blocking.length > 0) {
      kept.push({ digest, size: located.size, because: "unreadable", heldBy: blocking });
    } else {
      const { size, generation } = located;
      items.push({ digest, size, generation, kind: dead.has(digest) ? "manifest" : "blob", reason });
    }
  }

  const policy = await catalog.policy(o);
  return {
    header: {
      plan: "ocistore/1",
      id: randomId(env),
      store: await catalog.identity(o),
      created: env.now(),
      kind: "delete",
      changes: [{ repository, steps: [...keeps, ...aim.steps(new Set(dead.keys()))] }],
      hold: checkedTime(o.window ?? policy.window, "window"),
    },
    items: [...items.filter(({ kind }) => kind === "manifest"), ...items.filter(({ kind }) => kind === "blob")],
    kept,
  };

  /** What an earlier search has proven names no root; who wants to know why something stays wants to know that most. */
  async function holdersDownFrom(verdict: Verdict & { readonly live: true }, digest: Digest): Promise<string[]> {
    const whole = verdict.root ? verdict : await searchAsync(view, bytesNode(digest));
    return whole.live ? holdersOf(whole) : [];
  }

  async function recordOf(digest: Digest) {
    try {
      return await graph.manifest(repository, digest, { ...o, mentions: true });
    } catch (error) {
      // It is to go, or is judged by its roots; what it names nobody can say, and `blocking` sees to the rest.
      if (o.signal?.aborted || !(error instanceof OciStoreError)) throw error;
      return undefined;
    }
  }

  async function isStoredManifest(digest: Digest): Promise<boolean> {
    const itself = beingOf(await graph.parents(bytesNode(digest), o), digest);
    return itself.some((node) => node.repository === repository);
  }

  async function keptOf(digest: Digest, heldBy: readonly string[]): Promise<Kept> {
    return { digest, size: (await graph.locate(undefined, digest, o))?.size ?? 0, because: "live", heldBy };
  }
}
