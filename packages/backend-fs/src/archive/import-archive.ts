import {
  type CopyEvent,
  type CopyingOptions,
  copy,
  type Descriptor,
  type Digest,
  manifestNode,
  mustBeReadable,
  OciStoreError,
  type Store,
  type Tallies,
} from "@ocistore/core";

export interface ImportOptions extends Pick<CopyingOptions, "signal" | "expect" | "dryRun" | "onProgress"> {
  /** The repository it goes to; the one without a name unless given. */
  readonly repository?: string | undefined;
  /** Only these tags, with what they keep; unless given all tags, and what is a root without one. */
  readonly tags?: readonly string[] | undefined;
  /** What the archive lacks may be missing at the destination. */
  readonly sparse?: boolean | undefined;
}

export interface ImportReceipt {
  /** What was imported, in the order of the tags; what has no tag comes first. */
  readonly roots: readonly { readonly tag: string | undefined; readonly descriptor: Descriptor }[];
  /** Each digest once. */
  readonly manifests: Tallies;
  readonly blobs: Tallies;
  /** Manifests that are named and that the archive lacks; what names them is sparse. */
  readonly leftOut: readonly Digest[];
}

/**
 * Brings what is in an archive into a store, referrers included: a {@link copy} of each root, none of which believes
 * the archive. What is done of it stays when it fails.
 *
 * @param archive From {@link openArchive}; any store will do.
 * @throws `NOT_FOUND` if the archive has no such tag, and as `copy`.
 *
 * @example
 * const archive = await openArchive("backup.tar");
 * await importArchive(archive, store);
 */
export async function importArchive(archive: Store, store: Store, o: ImportOptions = {}): Promise<ImportReceipt> {
  const [from, to] = [archive.repository(), store.repository(o.repository)];
  const { signal, expect, dryRun, sparse } = o;
  const outcomes = new Outcomes();
  const onProgress = (event: CopyEvent) => {
    outcomes.note(event);
    o.onProgress?.(event);
  };
  const options = { signal, dryRun, sparse, onProgress, referrers: true };
  const roots: ImportReceipt["roots"][number][] = [];
  const known = new Map<string, Digest>();
  for await (const { name, digest } of from.tags({ signal })) known.set(name, digest);
  const absent = o.tags?.find((tag) => !known.has(tag));
  if (absent !== undefined) throw new OciStoreError("NOT_FOUND", `no tag ${absent}`, { reference: absent });

  const leftOut = new Set<Digest>();
  const take = async (reference: string, tag: string | undefined) => {
    const receipt = await copy(from, to, reference, { ...options, ...(tag !== undefined && { expect }) });
    roots.push({ tag, descriptor: receipt.root });
    for (const digest of receipt.leftOut) leftOut.add(digest);
  };
  const untagged = o.tags ? [] : await untaggedRoots(archive, signal);
  for (const digest of untagged) await take(digest, undefined);
  for (const tag of [...new Set(o.tags ?? known.keys())].sort()) await take(tag, tag);
  if (!dryRun) await keepAsRoots(store, to.name, untagged, signal);
  return { roots, manifests: outcomes.of("manifest"), blobs: outcomes.of("blob"), leftOut: [...leftOut].sort() };
}

async function untaggedRoots(archive: Store, signal: AbortSignal | undefined): Promise<readonly Digest[]> {
  const digests = new Set<Digest>();
  const graph = await archive.parts.catalog.graph({ signal });
  // What could not be read this time explains no entry, and what it names would look like a root of its own.
  await mustBeReadable(graph, { signal, repository: archive.repository().name });
  for await (const { why, digest } of graph.allRoots({ signal })) if (why === "own") digests.add(digest);
  return [...digests].sort();
}

/** What is named by a manifest at the destination is no root there of itself; that it was one in the archive is kept. */
async function keepAsRoots(
  store: Store,
  repository: string,
  digests: readonly Digest[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { catalog } = store.parts;
  if (digests.length === 0) return;
  const graph = await catalog.graph({ signal });
  const lost: Digest[] = [];
  for (const digest of digests) {
    const roots = await graph.roots(manifestNode(repository, digest), { signal });
    if (roots.every(({ why }) => why === "claim")) lost.push(digest);
  }
  if (lost.length === 0) return;
  const changes = lost.map((manifest) => ({ do: "keep", manifest }) as const);
  await catalog.change(repository, changes, { signal });
}

/** Each root is a copy of its own; what two of them share is counted by what became of it first. */
class Outcomes {
  readonly #seen = new Set<Digest>();
  readonly #tallies = { manifest: empty(), blob: empty() };

  note(event: CopyEvent): void {
    if (event.event !== "copied" && event.event !== "mounted" && event.event !== "skipped") return;
    const { digest, size = 0 } = event.descriptor;
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    const tally = this.#tallies[event.kind][event.event];
    tally.count += 1;
    tally.bytes += size;
  }

  of(kind: "manifest" | "blob"): Tallies {
    return this.#tallies[kind];
  }
}

function empty() {
  const none = () => ({ count: 0, bytes: 0 });
  return { copied: none(), mounted: none(), skipped: none() };
}
