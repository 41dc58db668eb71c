import type { GraphReader, ManifestRecord } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Finding } from "../contract/finding.ts";
import type { Located } from "../contract/placement.ts";
import { isOciStoreError } from "../errors.ts";
import { manifestNode } from "../liveness/node.ts";
import { searchAsync, type Verdicts } from "../liveness/search.ts";
import { type Digest, isDigest } from "../model/digest.ts";
import { advised } from "./advice.ts";
import { checkRecord } from "./check-record.ts";
import { type CopySource, soundness } from "./copies.ts";
import type { Parts } from "./parts.ts";

export interface CheckOptions extends Signal {
  /** Look at names and sizes only, and read no blob. */
  readonly fast?: boolean | undefined;
  /** Look at nothing but a catalog that is kept apart from the bytes: whether these, and its own rows, bear it out. Reads manifests only. */
  readonly catalog?: boolean | undefined;
  /** Told of each blob once it has been looked at. */
  readonly onChecked?: ((located: Located) => void) | undefined;
  /** Mend what can be mended; each finding then says what was done. */
  readonly repair?: boolean | undefined;
  /** With `repair`: where sound copies may be fetched from. */
  readonly from?: readonly CopySource[] | undefined;
  /** With `repair`: say what would be done, and change nothing. */
  readonly dryRun?: boolean | undefined;
}

/**
 * Is it all sound? Every manifest can be read, everything it names is there and of the size it says, every tag leads
 * somewhere, every blob has the bytes of its digest. Changes nothing; `repair` does.
 */
export async function* check(parts: Parts, o: CheckOptions = {}): AsyncGenerator<Finding> {
  for await (const finding of findingsOf(parts, o)) yield advised(finding);
}

async function* findingsOf(parts: Parts, o: CheckOptions): AsyncGenerator<Finding> {
  const { upkeep, blobs } = parts;
  if (upkeep && !o.catalog) yield* await upkeep.look({ signal: o.signal });
  const told = new Set<Digest>();
  for await (const finding of checkGraph(parts, o)) {
    if (finding.digest !== undefined && IS_ABSENCE.has(finding.code)) told.add(finding.digest);
    yield finding;
  }
  yield* checkRecord(parts, { signal: o.signal, fast: o.fast, told });
  if (o.fast || o.catalog) return;
  for await (const located of blobs.list(o)) {
    o.signal?.throwIfAborted();
    const finding = await checkBytes(parts, located, o);
    if (finding) yield finding;
    o.onChecked?.(located);
  }
}

/** What says of a digest that it is not there, or that nobody knows that it is. */
const IS_ABSENCE: ReadonlySet<Finding["code"]> = new Set(["missing", "dangling", "unrecorded"]);

/**
 * Of what is stored and named, whether it is there and can be read.
 *
 * @param o.foreseen What a dry run of a repair would have mended by now, or set aside.
 */
export async function* checkGraph(parts: Parts, o: Foreseeing): AsyncGenerator<Finding> {
  const graph = await parts.catalog.graph(o);
  for await (const { repository, digest, error } of graph.unreadable(o)) {
    if (o.foreseen?.has(digest)) continue;
    const message = error instanceof Error ? error.message : String(error);
    yield { level: "error", code: "unreadable", digest, repository, message };
  }
  const verdicts: Verdicts = new Map();
  for await (const { repository, digest, record } of graph.manifests(o)) {
    o.signal?.throwIfAborted();
    if (repository === undefined) continue;
    for await (const finding of checkEdges(parts, graph, { repository, digest, record }, o)) {
      // What nothing keeps may lack what it names: a deletion takes that whatever its age.
      const { live } = await searchAsync(graph, manifestNode(repository, digest), verdicts);
      yield live ? finding : { ...finding, level: "warning" };
    }
  }
  for await (const { repository, digest, why, name } of graph.allRoots(o)) {
    if (why === "claim" || o.foreseen?.get(digest) === "mended") continue;
    const { located, error } = await lookUp(parts, graph, digest, o);
    if (located) continue;
    const namedBy = `${why} ${name ?? ""}`.trim();
    const about = { level: "error", digest, repository, namedBy } as const;
    if (error) yield { ...about, code: "unreadable", message: error };
    else yield { ...about, code: "dangling", message: `${namedBy} is on content that is not stored` };
  }
}

type Foreseeing = Signal & { readonly foreseen?: ReadonlyMap<Digest, "gone" | "mended"> | undefined };

async function* checkEdges(
  parts: Parts,
  graph: GraphReader,
  {
    repository,
    digest,
    record,
  }: { readonly repository: string; readonly digest: Digest; readonly record: ManifestRecord },
  o: Foreseeing,
): AsyncGenerator<Finding> {
  for (const { to, kind, size, optional } of record.edges) {
    if (kind === "opaque") continue;
    const foreseen = o.foreseen?.get(to);
    if (foreseen === "mended") continue;
    const { located, error, hasBytes } = foreseen === "gone" ? {} : await lookUp(parts, graph, to, o);
    const about = { digest: to, repository, namedBy: digest };
    if (error !== undefined) yield { ...about, level: "error", code: "unreadable", message: error };
    else if (hasBytes) {
      const message = `${kind} is stored, and the catalog does not know of it`;
      yield { ...about, level: "error", code: "unrecorded", message };
    } else if (!located) {
      if (!optional) yield { ...about, level: "error", code: "missing", message: `${kind} is not stored` };
    } else if (size !== undefined && located.size !== size) {
      const message = `${kind} has ${located.size} bytes, and should have ${size}`;
      yield { ...about, level: "error", code: "size", message };
    }
  }
}

/**
 * What the catalog says is stored may have lost its bytes, unless it has looked at them to say so.
 *
 * What has the name of content and is none, a link or a device, is found like any other damage, and so is what is not ours to read.
 */
async function lookUp(
  { catalog, blobs }: Parts,
  graph: GraphReader,
  digest: Digest,
  o: Signal,
): Promise<{ readonly located?: Located | undefined; readonly error?: string; readonly hasBytes?: boolean }> {
  try {
    const located = await graph.locate(undefined, digest, o);
    if (!located && catalog.audit && (await isUnrecorded({ catalog, blobs }, digest, o))) return { hasBytes: true };
    const isThere = located && (!catalog.capabilities.edges || (await blobs.stat(located, o)) !== undefined);
    return isThere ? { located } : {};
  } catch (error) {
    if (!isOciStoreError(error, "LAYOUT_INVALID", "PERMISSION")) throw error;
    return { error: error.message };
  }
}

/** With fixed names anybody can tell whether bytes are there; those that are out of use are known. */
async function isUnrecorded({ catalog, blobs }: Pick<Parts, "catalog" | "blobs">, digest: Digest, o: Signal) {
  if (blobs.capabilities.generations || !isDigest(digest)) return false;
  if (!(await blobs.stat({ digest, size: 0, generation: "" }, o))) return false;
  for await (const condemned of catalog.condemned(o)) if (condemned.digest === digest) return false;
  return (await catalog.locate(undefined, digest, o)) === undefined;
}

async function checkBytes(parts: Parts, located: Located, o: CheckOptions): Promise<Finding | undefined> {
  const { digest } = located;
  const { isSound, found, error } = await soundness(parts, located, { signal: o.signal });
  if (isSound) return undefined;
  if (found) return { level: "error", code: "corrupt", digest, message: `the bytes are ${found}` };
  const message = error instanceof Error ? error.message : String(error);
  return { level: "error", code: "unreadable", digest, message };
}
