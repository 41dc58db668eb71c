import type { Change, GraphNode, GraphReader, Root } from "../contract/catalog.ts";
import { randomId, type Signal } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import { bytesNode, manifestNode } from "../liveness/node.ts";
import { type AsyncGraph, searchAsync, type Verdict, type Verdicts } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../model/reference.ts";
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
    const verdict = await isLive(manifestNode(repository, digest));
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
        if (kind !== "manifest" || dead.has(to) || !(await recordOf(to))) continue;
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
    const next: [Digest, string][] = edges.map(({ to, kind }) => [
      to,
      kind === "subject" ? `kept only by its referrer ${digest}` : `named only by ${digest}`,
    ]);
    for (const referrer of await graph.referrers(manifestNode(repository, digest)))
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
    const located = await catalog.locate(undefined, digest, o);
    if (!located) continue;
    const verdict = await isLive(bytesNode(digest));
    if (verdict.live) {
      if (!aim.manifests.has(digest))
        kept.push({ digest, size: located.size, because: "live", heldBy: holdersOf(verdict) });
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
      hold: o.window ?? policy.window,
    },
    items: [...items.filter(({ kind }) => kind === "manifest"), ...items.filter(({ kind }) => kind === "blob")],
    kept,
  };

  async function recordOf(digest: Digest) {
    try {
      return await catalog.manifest(repository, digest, o);
    } catch (error) {
      // It is to go, or is judged by its roots; what it names nobody can say, and `blocking` sees to the rest.
      if (o.signal?.aborted || !(error instanceof OciStoreError)) throw error;
      return undefined;
    }
  }

  async function isStoredManifest(digest: Digest): Promise<boolean> {
    const parents = await graph.parents(bytesNode(digest), o);
    return parents.some((node) => node.repository === repository && node.digest === digest);
  }

  async function keptOf(digest: Digest, heldBy: readonly string[]): Promise<Kept> {
    return { digest, size: (await catalog.locate(undefined, digest, o))?.size ?? 0, because: "live", heldBy };
  }
}

interface Aim {
  /** Manifests that are to go themselves, whatever refers to them. */
  readonly manifests: Map<Digest, { readonly reason: string; readonly byDigest: boolean }>;
  readonly tags: Set<string>;
  /** Children that become roots of their own. */
  readonly kept: Set<Digest>;
  steps(dead: ReadonlySet<Digest>): Change[];
}

async function aimAt(
  targets: readonly Target[],
  {
    catalog,
    graph,
    repository,
    o,
  }: { catalog: Parts["catalog"]; graph: GraphReader; repository: string; o: DeleteOptions },
): Promise<Aim> {
  const manifests: Aim["manifests"] = new Map();
  const untags: { readonly name: string; readonly expect: Digest }[] = [];
  const tags = new Set<string>();
  const aimAtDigest = async (digest: Digest, reason: string, byDigest: boolean) => {
    manifests.set(digest, { reason, byDigest: byDigest || (manifests.get(digest)?.byDigest ?? false) });
    if (!byDigest) return;
    for (const { why, name } of await graph.roots(manifestNode(repository, digest), o)) {
      if (why === "tag" && name !== undefined) tags.add(name);
    }
  };
  for (const target of targets) {
    if ("digest" in target) {
      if (!(await isStored(target.digest))) throw notFound(target.digest);
      await aimAtDigest(target.digest, "deleted by digest", true);
    } else {
      const digest = await catalog.resolve(repository, target.tag, o);
      if (!digest) throw notFound(target.tag);
      if (!tags.has(target.tag)) untags.push({ name: target.tag, expect: digest });
      tags.add(target.tag);
      await aimAtDigest(digest, `deleted as ${target.tag}`, false);
    }
  }
  if (o.referrers) {
    for (const [digest] of manifests) {
      for (const referrer of await graph.referrers(manifestNode(repository, digest), o)) {
        if (!manifests.has(referrer.digest)) await aimAtDigest(referrer.digest, `refers to ${digest}`, true);
      }
    }
  }
  return {
    manifests,
    tags,
    kept: new Set(),
    steps: (dead) => [
      ...untags.map(({ name, expect }): Change => ({ do: "untag", name, expect })),
      ...[...dead].map((manifest): Change => ({ do: manifests.has(manifest) ? "remove" : "drop", manifest })),
    ],
  };

  async function isStored(digest: Digest): Promise<boolean> {
    if (await catalog.locate(repository, digest, o)) return true;
    return (await graph.roots(manifestNode(repository, digest), o)).length > 0;
  }
}

function notFound(reference: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `${reference} is not stored here`, { reference });
}

/**
 * The graph as it would be without the targets' own reasons to live: the tags that go and their own marks. That something
 * refers to a subject that lives does not protect it from being deleted itself.
 */
function without(graph: GraphReader, repository: string, { manifests, tags, kept }: Aim): AsyncGraph {
  return {
    roots: async (node) => {
      const roots = await graph.roots(node);
      if (node.repository !== repository) return roots;
      const left = roots.filter(({ why, name }) => {
        if (why === "tag") return !tags.has(name ?? "");
        return why !== "own" || !manifests.has(node.digest);
      });
      const own: Root = { ...node, why: "own" };
      return kept.has(node.digest) ? [...left, own] : left;
    },
    parents: (node) => graph.parents(node),
    subjects: async (node) =>
      node.repository === repository && manifests.has(node.digest) ? [] : graph.subjects(node),
    referrers: (node) => graph.referrers(node),
  };
}
