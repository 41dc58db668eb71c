import type { GraphReader, ManifestRecord } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Located } from "../contract/placement.ts";
import { manifestNode } from "../liveness/node.ts";
import { searchAsync, type Verdicts } from "../liveness/search.ts";
import { algorithmOf, createHasher, type Digest } from "../model/digest.ts";
import type { Parts } from "./parts.ts";

/** Something that is not as it should be. */
export interface Finding {
  /** An error loses content that something refers to; a warning does not. */
  readonly level: "error" | "warning";
  readonly code: "missing" | "size" | "corrupt" | "unreadable" | "dangling";
  readonly digest: Digest;
  readonly repository?: string | undefined;
  /** A manifest that refers to it, or a tag. */
  readonly namedBy?: string | undefined;
  readonly message: string;
}

export interface CheckOptions extends Signal {
  /** Look at names and sizes only, and read no blob. */
  readonly fast?: boolean | undefined;
  /** Told of each blob once it has been looked at. */
  readonly onChecked?: ((located: Located) => void) | undefined;
}

/**
 * Is it all sound? Every manifest can be read, everything it names is there and of the size it says, every tag leads
 * somewhere, every blob has the bytes of its digest. Changes nothing.
 */
export async function* check(parts: Parts, o: CheckOptions = {}): AsyncGenerator<Finding> {
  const { catalog, blobs } = parts;
  const graph = await catalog.graph(o);
  for await (const { repository, digest, error } of graph.unreadable(o)) {
    const message = error instanceof Error ? error.message : String(error);
    yield { level: "error", code: "unreadable", digest, repository, message };
  }
  const verdicts: Verdicts = new Map();
  for await (const { repository, digest, record } of graph.manifests(o)) {
    o.signal?.throwIfAborted();
    if (repository === undefined) continue;
    for await (const finding of checkEdges(graph, repository, digest, record, o)) {
      // What nothing keeps may lack what it names: a deletion takes that whatever its age.
      const { live } = await searchAsync(graph, manifestNode(repository, digest), verdicts);
      yield live ? finding : { ...finding, level: "warning" };
    }
  }
  for await (const { repository, digest, why, name } of graph.allRoots(o)) {
    if (why === "claim" || (await graph.locate(undefined, digest, o))) continue;
    const namedBy = `${why} ${name ?? ""}`.trim();
    yield {
      level: "error",
      code: "dangling",
      digest,
      repository,
      namedBy,
      message: `${namedBy} is on content that is not stored`,
    };
  }
  if (o.fast) return;
  for await (const located of blobs.list(o)) {
    o.signal?.throwIfAborted();
    const finding = await checkBytes(parts, located, o);
    if (finding) yield finding;
    o.onChecked?.(located);
  }
}

async function* checkEdges(
  graph: GraphReader,
  repository: string,
  digest: Digest,
  { edges }: ManifestRecord,
  o: CheckOptions,
): AsyncGenerator<Finding> {
  for (const { to, kind, size, optional } of edges) {
    if (kind === "opaque") continue;
    const located = await graph.locate(undefined, to, o);
    const about = { digest: to, repository, namedBy: digest };
    if (!located) {
      if (!optional) yield { ...about, level: "error", code: "missing", message: `${kind} is not stored` };
    } else if (size !== undefined && located.size !== size) {
      const message = `${kind} has ${located.size} bytes, and should have ${size}`;
      yield { ...about, level: "error", code: "size", message };
    }
  }
}

async function checkBytes({ blobs }: Parts, located: Located, o: CheckOptions): Promise<Finding | undefined> {
  const { digest } = located;
  const hasher = createHasher(algorithmOf(digest));
  try {
    for await (const chunk of blobs.read(located, o)) hasher.update(chunk);
  } catch (error) {
    if (o.signal?.aborted) throw error;
    return {
      level: "error",
      code: "unreadable",
      digest,
      message: error instanceof Error ? error.message : String(error),
    };
  }
  const found = hasher.digest();
  return found === digest ? undefined : { level: "error", code: "corrupt", digest, message: `the bytes are ${found}` };
}
