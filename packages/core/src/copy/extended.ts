import { OciStoreError } from "../errors.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { parseRefName } from "../model/reference.ts";
import type { Reference } from "../store/repository.ts";
import { walk } from "./closure.ts";
import { type CopyingOptions, type CopyOptions, copying, defaultTags, mustExpect } from "./copy.ts";
import type { CopyReceipt } from "./events.ts";
import { inParallel, type ParallelOptions } from "./parallel.ts";
import type { ReadableRepository, WritableRepository } from "./repositories.ts";
import type { Source } from "./source.ts";

export interface ExtendedCopyOptions extends CopyingOptions, Pick<CopyOptions, "tags" | "sparse"> {
  /** How many steps up it climbs at most: 0 copies the manifest itself. To the top unless given. */
  readonly depth?: number | undefined;
  /**
   * Whether to climb to a manifest that names one below it; to all unless given. It is described by its own artifact type and
   * annotations. See {@link hasAnnotation} and {@link hasArtifactType}.
   */
  readonly climb?: ((manifest: Descriptor) => boolean) | undefined;
}

/**
 * Copies a manifest and everything above it: indexes that list it, manifests whose subject it is, and what is above those,
 * each with all that it needs. The tags go to the manifest itself, in the end.
 *
 * @throws as {@link copy}.
 *
 * @example
 * await extendedCopy(from, to, "v1", { climb: hasArtifactType(/spdx/) });
 */
export async function extendedCopy(
  from: ReadableRepository,
  to: WritableRepository,
  reference: Reference,
  o: ExtendedCopyOptions = {},
): Promise<CopyReceipt> {
  const tags = (o.tags ?? defaultTags(reference)).map(parseRefName);
  return copying(from, to, o, async ({ source, ledger, closure, transfer, options }) => {
    await mustExpect(to, tags, o);
    const descriptor = await source.resolve(reference, o);
    const tops = await topsAbove(source, descriptor, { ...options, depth: o.depth, climb: o.climb });
    const start = [descriptor, ...tops].map((each) => ({ descriptor: each, as: "root" }) as const);
    const fresh = await walk(closure, source, start, { ...options, sparse: o.sparse });
    await transfer.run(fresh, { descriptor, tags, expect: o.expect }, o);
    return { root: closure.manifests.get(descriptor.digest)!.descriptor, ...ledger.receipt() };
  });
}

/** For {@link ExtendedCopyOptions.climb}: what has the annotation, with a value that matches. */
export function hasAnnotation(key: string, value?: RegExp): (manifest: Descriptor) => boolean {
  return ({ annotations }) => {
    if (!annotations || !Object.hasOwn(annotations, key)) return false;
    return value === undefined || annotations[key]!.search(value) !== -1;
  };
}

/** For {@link ExtendedCopyOptions.climb}: what is of an artifact type that matches. */
export function hasArtifactType(type: RegExp): (manifest: Descriptor) => boolean {
  return ({ artifactType }) => artifactType !== undefined && artifactType.search(type) !== -1;
}

interface ClimbOptions extends ParallelOptions, Pick<ExtendedCopyOptions, "depth" | "climb"> {}

/** The manifests above it that have nothing above them, or only what is not to be climbed to. */
async function topsAbove(source: Source, start: Descriptor, o: ClimbOptions): Promise<readonly Descriptor[]> {
  const tops: Descriptor[] = [];
  const seen = new Set<Digest>([start.digest]);
  let level: readonly Descriptor[] = [start];
  for (let height = 0; level.length > 0; height++) {
    if (o.depth !== undefined && height >= o.depth) return [...tops, ...level];
    const above: (readonly Descriptor[])[] = [];
    const numbered = level.map((below, at) => ({ below, at }));
    await inParallel(numbered, o, async ({ below, at }, { signal }) => {
      above[at] = await parentsOf(source, below, { ...o, signal });
    });
    tops.push(...level.filter((_, at) => above[at]!.length === 0));
    const next = new Map(above.flat().map((each) => [each.digest, each]));
    level = [...next.values()].filter(({ digest }) => !seen.has(digest));
    for (const { digest } of level) seen.add(digest);
  }
  return tops;
}

async function parentsOf(source: Source, below: Descriptor, o: ClimbOptions): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for await (const each of source.predecessors(below, o)) {
    const { manifest } = await source.manifest(each, "by source", o);
    if (!manifest.edges.some(({ to }) => to === below.digest)) {
      const data = { digest: each.digest, side: "source", op: "list predecessors" } as const;
      throw new OciStoreError(
        "MANIFEST_INVALID",
        `source: ${each.digest} is said to name ${below.digest}, and does not`,
        data,
      );
    }
    const { artifactType, annotations } = manifest;
    const described = { ...each, ...(artifactType && { artifactType }), ...(annotations && { annotations }) };
    if (o.climb?.(described) !== false) found.push(each);
  }
  return found;
}
