import type { ManifestRecord, Mentions } from "../../contract/catalog.ts";
import type { Environment, Ms, Signal } from "../../contract/environment.ts";
import type { Located } from "../../contract/placement.ts";
import type { Digest } from "../../model/digest.ts";
import type { Edge } from "../../model/edge.ts";
import type { Draft } from "../draft.ts";
import type { CellFacts } from "../facts.ts";
import { buildStoreGraph } from "../graph/build.ts";
import type { SharedMemory } from "../graph/manifest-memory.ts";
import type { StoreGraph } from "../graph/store-graph.ts";

/**
 * What a command works on: one version of the document with its own changes on top. A command reads only this, and
 * changes only the draft, so it can be run again on a newer version; the one thing it does to the world outside is to let
 * bytes arrive under their name, which does no harm twice.
 */
export interface Context {
  readonly draft: Draft;
  readonly facts: CellFacts;
  readonly memory: SharedMemory;
  readonly env: Environment;
  readonly now: Ms;
  readonly o: Signal;
  /** Its graphs are second looks: see {@link Sources.again}. */
  readonly again?: boolean | undefined;
}

/** The graph as the draft has it now. */
export function graphOf(ctx: Context): Promise<StoreGraph> {
  return buildStoreGraph(ctx);
}

/** The same for a second look at what another graph has just been asked: see {@link Sources.again}. */
export function graphAgain(ctx: Context): Promise<StoreGraph> {
  return buildStoreGraph({ ...ctx, again: true });
}

/** The same, as if every session had ended. */
export function graphWithoutClaims(ctx: Context): Promise<StoreGraph> {
  return buildStoreGraph({ ...ctx, unclaimed: true });
}

/** Bytes in use that a repository may read: what it is or names, and what is claimed in it. */
export async function visible(ctx: Context, repository: string, digest: Digest): Promise<Located | undefined> {
  const { draft, facts, now, o } = ctx;
  if (facts.membership === "recorded") {
    const { manifests, content } = draft.repository(repository);
    if (!manifests.has(digest) && !content.has(digest) && !isClaimed(draft, repository, digest, now)) return undefined;
  }
  return facts.locate(draft, digest, o);
}

/** The same, or anywhere in the store. */
export function locatedIn(ctx: Context, repository: string | undefined, digest: Digest): Promise<Located | undefined> {
  return repository === undefined ? ctx.facts.locate(ctx.draft, digest, ctx.o) : visible(ctx, repository, digest);
}

export function isClaimed(draft: Draft, repository: string, digest: Digest, now: Ms): boolean {
  for (const { until, held } of draft.claims.values()) {
    if (until > now && held.get(repository)?.has(digest)) return true;
  }
  return false;
}

/** A manifest of a repository that is in use, as a reader may have it. */
export async function manifestIn(
  { draft, facts, o }: Context,
  repository: string,
  digest: Digest,
  { mentions }: Mentions,
): Promise<ManifestRecord | undefined> {
  // Condemned content is still found, for a second look; it is not readable. But what another tool has put back is in use.
  if (draft.condemned.has(digest) && !(await facts.locate(draft, digest, o))) return undefined;
  const mediaType = draft.repository(repository).manifests.get(digest)?.mediaType;
  const probe = mentions ? "mentions" : "manifest";
  return facts.record(draft, repository, digest, {
    ...o,
    mediaType,
    probe: mediaType === undefined ? probe : undefined,
  });
}

/** A manifest that is in use or condemned; `undefined` too if it cannot be read, so that it can be given up. */
export async function readable(
  { draft, facts, o }: Context,
  repository: string,
  digest: Digest,
): Promise<ManifestRecord | undefined> {
  const known = draft.records.get(digest);
  if (known) return known;
  try {
    return await facts.record(draft, repository, digest, { ...o, probe: "mentions" });
  } catch (error) {
    if (o.signal?.aborted) throw error;
    return undefined;
  }
}

/** What a manifest that is in use or condemned names; of one that cannot be read nobody knows. */
export async function edgesOf(ctx: Context, repository: string, digest: Digest): Promise<readonly Edge[]> {
  return (await readable(ctx, repository, digest))?.edges ?? [];
}

/** A manifest has lost a reason to live; if it was the last, its grace starts now. */
export function lose({ draft, facts, now }: Context, digest: Digest): void {
  draft.touch(digest, now);
  if (facts.membership === "listed") draft.lost.set(digest, now);
}

/** The same by a rule about age: no grace begins by that, but what it names goes on sharing the one there is. */
export async function goesOn({ draft, facts, o }: Context, digest: Digest): Promise<void> {
  if (facts.membership !== "listed") return;
  const located = await facts.locate(draft, digest, o);
  if (located) draft.lost.set(digest, located.since);
}

/** Adds to what an owner holds in a repository, until then at least. What has run out does not come back by that. */
export function hold(
  { draft, now }: Context,
  owner: string,
  repository: string,
  digests: Iterable<Digest>,
  until: Ms,
): void {
  const present = draft.claims.get(owner);
  const claim = present && present.until > now ? present : undefined;
  const held = new Map(claim?.held);
  held.set(repository, new Set([...(held.get(repository) ?? []), ...digests]));
  draft.claims.set(owner, { until: Math.max(until, claim?.until ?? until), held });
}
