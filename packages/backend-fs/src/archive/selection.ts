import {
  type Catalog,
  type Digest,
  type Edge,
  type GraphReader,
  type ManifestRecord,
  manifestNode,
  mustBeReadable,
  OciStoreError,
  type Placement,
  parseMachineryTag,
  parseTarget,
  type Signal,
} from "@ocistore/core";

export interface SelectOptions extends Signal {
  /** Tags and digests of manifests; everything unless given. */
  readonly references?: readonly string[] | undefined;
  /** With `references`: what refers to them too, at any depth. */
  readonly referrers?: boolean | undefined;
  /** What is missing in the store may be missing in the archive. Otherwise `MISSING_CONTENT`. */
  readonly sparse?: boolean | undefined;
}

/** An entry of an index.json. */
export interface SelectedEntry {
  readonly record: ManifestRecord;
  readonly name?: string | undefined;
  /** A root although something else in the selection would explain why it is there. */
  readonly isOwn: boolean;
}

/** What goes into an archive, in an order that only the content decides. */
export interface Selection {
  readonly entries: readonly SelectedEntry[];
  /** Whatever is met is named by an entry or by a manifest before it: who reads a stream knows of each member what it is. */
  readonly manifests: readonly ManifestRecord[];
  readonly blobs: readonly Placement[];
}

/** Where a selection begins: digests, and the tags on them that go with them. */
export interface Start {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly untagged: ReadonlySet<Digest>;
  /** What only a pin keeps. An archive has no pins, so it becomes a root of its own. */
  readonly pinned: ReadonlySet<Digest>;
}

/** @throws `NOT_FOUND` if a reference names nothing. */
export async function startOf(catalog: Catalog, repository: string, o: SelectOptions): Promise<Start> {
  const tags = new Map<string, Digest>();
  const [untagged, pinned] = [new Set<Digest>(), new Set<Digest>()];
  if (o.references) {
    for (const reference of o.references) {
      const target = parseTarget(reference);
      if ("digest" in target) {
        untagged.add(target.digest);
      } else {
        const digest = await catalog.resolve(repository, target.tag, o);
        if (!digest) throw new OciStoreError("NOT_FOUND", `no tag ${target.tag}`, { reference: target.tag });
        tags.set(target.tag, digest);
      }
    }
    return { tags, untagged, pinned };
  }
  for await (const { name, digest } of catalog.tags(repository, o)) tags.set(name, digest);
  const graph = await catalog.graph(o);
  await mustBeReadable(graph, { ...o, repository });
  for await (const root of graph.allRoots(o)) {
    if (root.repository !== repository) continue;
    if (root.why === "own") untagged.add(root.digest);
    if (root.why === "pin") pinned.add(root.digest);
  }
  return { tags, untagged, pinned };
}

/**
 * All that the start keeps, and if that is asked for what refers to it.
 *
 * @throws `MISSING_CONTENT` with what is missing; `NOT_FOUND` if the start is no manifest (any more).
 */
export async function select(catalog: Catalog, repository: string, start: Start, o: SelectOptions): Promise<Selection> {
  const referrers = o.references === undefined || (o.referrers ?? false);
  const graph = await catalog.graph(o);
  if (referrers) await mustBeReadable(graph, { ...o, repository });
  const walk = new Walk(graph, repository, { ...o, referrers });
  const untagged = [...start.untagged].sort();
  await walk.from([...[...start.tags].sort(byName).map(([, digest]) => digest), ...untagged], "required");
  const pinned = [...start.pinned].sort().filter((digest) => !walk.manifests.has(digest));
  await walk.from(pinned, "optional");
  walk.mustBeWhole();

  const tags = new Map(start.tags);
  // The machinery by which clients without the referrers API find them.
  if (o.references && referrers) {
    for await (const { name, digest } of catalog.tags(repository, o))
      if (parseMachineryTag(name) && walk.referrers.has(digest)) tags.set(name, digest);
  }
  const tagged = new Set(tags.values());
  const roots = new Set([...untagged, ...pinned].filter((digest) => walk.manifests.has(digest) && !tagged.has(digest)));
  const listed = [...walk.referrers].filter((digest) => !walk.nested.has(digest) && !tagged.has(digest));
  const entry = (digest: Digest, name?: string): SelectedEntry => ({
    record: walk.manifests.get(digest)!,
    name,
    isOwn: roots.has(digest) && (walk.nested.has(digest) || walk.referrers.has(digest)),
  });
  const nameless = [...new Set([...roots, ...listed])].sort().map((digest) => entry(digest));
  return {
    entries: [...[...tags].sort(byName).map(([name, digest]) => entry(digest, name)), ...nameless],
    manifests: [...walk.manifests.values()],
    // A layer of one and a child of another may be the same bytes.
    blobs: [...walk.blobs.values()].filter(({ digest }) => !walk.manifests.has(digest)),
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

class Walk {
  readonly manifests = new Map<Digest, ManifestRecord>();
  readonly blobs = new Map<Digest, Placement>();
  /** Manifests that another one here names as its content. */
  readonly nested = new Set<Digest>();
  /** Manifests that refer to another one here. */
  readonly referrers = new Set<Digest>();
  readonly #missing = new Set<Digest>();
  readonly #graph: GraphReader;
  readonly #repository: string;
  readonly #o: SelectOptions;

  constructor(graph: GraphReader, repository: string, o: SelectOptions) {
    this.#graph = graph;
    this.#repository = repository;
    this.#o = o;
  }

  /** Level by level, so that the order depends on nothing but the content. */
  async from(start: readonly Digest[], how: "required" | "optional"): Promise<void> {
    const queue: ManifestRecord[] = [];
    const meet = async (digest: Digest): Promise<boolean> => {
      if (this.manifests.has(digest)) return true;
      const record = await this.#graph.manifest(this.#repository, digest, { ...this.#o, mentions: true });
      if (!record) return false;
      this.manifests.set(digest, record);
      queue.push(record);
      return true;
    };
    for (const digest of start) {
      if ((await meet(digest)) || how === "optional") continue;
      throw new OciStoreError("NOT_FOUND", `no manifest ${digest} is stored`, { digest });
    }
    for (let next = 0; next < queue.length; next++) {
      this.#o.signal?.throwIfAborted();
      const { digest, edges } = queue[next]!;
      for (const edge of edges) await this.#follow(edge, digest, meet);
      if (!this.#o.referrers) continue;
      const referrers = await this.#graph.referrers(manifestNode(this.#repository, digest), this.#o);
      for (const referrer of referrers.map((node) => node.digest).sort()) {
        if (await meet(referrer)) this.referrers.add(referrer);
      }
    }
  }

  /** @throws `MISSING_CONTENT` */
  mustBeWhole(): void {
    if (this.#missing.size === 0 || this.#o.sparse) return;
    const digests = [...this.#missing];
    const message = `the archive would lack content that is not stored: ${digests.join(", ")}`;
    throw new OciStoreError("MISSING_CONTENT", message, { digests });
  }

  async #follow(edge: Edge, from: Digest, meet: (digest: Digest) => Promise<boolean>): Promise<void> {
    const { to, kind } = edge;
    // A layer is a blob whatever it is in itself, as it is for the rule of liveness.
    if (kind !== "config" && kind !== "layer" && (await meet(to))) {
      if (kind === "subject") this.referrers.add(from);
      else this.nested.add(to);
      return;
    }
    if (this.blobs.has(to)) return;
    const located = await this.#graph.locate(this.#repository, to, this.#o);
    if (located) this.blobs.set(to, located);
    else if (!edge.optional && kind !== "opaque") this.#missing.add(to);
  }
}
