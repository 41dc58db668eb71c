import type { Change, GraphReader, Root } from "../contract/catalog.ts";
import { OciStoreError } from "../errors.ts";
import { beingOf, bytesNode, manifestNode } from "../liveness/node.ts";
import { type AsyncGraph, searchAsync, type Verdicts } from "../liveness/search.ts";
import type { Digest } from "../model/digest.ts";
import type { Target } from "../model/reference.ts";
import type { Parts } from "./parts.ts";
import type { DeleteOptions } from "./plan-delete.ts";

/** What a deletion is aimed at, before it is known what holds it. */
export interface Aim {
  /** Manifests that are to go themselves, whatever refers to them. */
  readonly manifests: Map<Digest, { readonly reason: string; readonly byDigest: boolean }>;
  /** The tags that go, and what each is on. */
  readonly tags: Map<string, Digest>;
  /** Children that become roots of their own. */
  readonly kept: Set<Digest>;
  steps(dead: ReadonlySet<Digest>): Change[];
}

export async function aimAt(
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
  const tags: Aim["tags"] = new Map();
  const aimAtDigest = async (digest: Digest, reason: string, byDigest: boolean) => {
    manifests.set(digest, { reason, byDigest: byDigest || (manifests.get(digest)?.byDigest ?? false) });
    if (!byDigest) return;
    for (const { why, name } of await graph.roots(manifestNode(repository, digest), o)) {
      if (why === "tag" && name !== undefined) tags.set(name, digest);
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
      tags.set(target.tag, digest);
      await aimAtDigest(digest, `deleted as ${target.tag}`, false);
    }
  }
  if (o.referrers) await aimAtReferrers();
  return {
    manifests,
    tags,
    kept: new Set(),
    steps: (dead) => [
      ...untags.map(({ name, expect }): Change => ({ do: "untag", name, expect })),
      ...[...dead].map((manifest): Change => {
        if (!manifests.has(manifest)) return { do: "drop", manifest };
        // A tag that comes after this plan was made is not in it, and so holds what it is on.
        return { do: "remove", manifest, tags: [...tags].filter(([, to]) => to === manifest).map(([name]) => name) };
      }),
    ],
  };

  /**
   * Referrers go with what is deleted, at any depth, and not with what stays: with another tag on the image its signatures
   * stay too. But what stays may depend on them, a signature's own tag being what holds the image. So all are aimed at
   * first, and those of each target that lives all the same are let go again.
   */
  async function aimAtReferrers(): Promise<void> {
    const chosen = new Map(manifests);
    const chosenTags = new Map(tags);
    const going = new Set(chosen.keys());
    for (;;) {
      manifests.clear();
      tags.clear();
      for (const [digest, aim] of chosen) manifests.set(digest, aim);
      for (const [tag, digest] of chosenTags) tags.set(tag, digest);
      const deleted = new Set(going);
      for (const digest of deleted) {
        for (const referrer of await graph.referrers(manifestNode(repository, digest), o)) {
          deleted.add(referrer.digest);
          if (!manifests.has(referrer.digest)) await aimAtDigest(referrer.digest, `refers to ${digest}`, true);
        }
      }
      const view = without(graph, repository, { manifests, tags, kept: new Set() });
      const verdicts: Verdicts = new Map();
      const before = going.size;
      for (const digest of going) {
        if ((await searchAsync(view, manifestNode(repository, digest), verdicts)).live) going.delete(digest);
      }
      if (going.size === before) return;
    }
  }

  async function isStored(digest: Digest): Promise<boolean> {
    const itself = beingOf(await graph.parents(bytesNode(digest), o), digest);
    if (itself.some((node) => node.repository === repository)) return true;
    if ((await graph.roots(manifestNode(repository, digest), o)).some(({ why }) => why === "tag" || why === "own"))
      return true;
    // Where the bytes are the record of a manifest, one that nothing leads to any more is still stored.
    return !catalog.capabilities.repositories && (await isManifest(digest));
  }

  async function isManifest(digest: Digest): Promise<boolean> {
    try {
      return (await graph.manifest(repository, digest, o)) !== undefined;
    } catch (error) {
      // Damaged, and so what somebody may well want to be rid of.
      if (o.signal?.aborted) throw error;
      return (await graph.locate(repository, digest, o)) !== undefined;
    }
  }
}

function notFound(reference: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `${reference} is not stored here`, { reference });
}

/**
 * The graph as it would be without the targets' own reasons to live: the tags that go and their own marks. That something
 * refers to a subject that lives does not protect it from being deleted itself.
 */
export function without(
  graph: GraphReader,
  repository: string,
  { manifests, tags, kept }: Pick<Aim, "manifests" | "tags" | "kept">,
): AsyncGraph {
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
