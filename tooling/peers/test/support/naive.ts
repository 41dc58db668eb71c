import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

// What a deletion ought to take, worked out a second time and as simply as can be: read every file, mark, subtract. None of
// it is the project's own code, so that a mistake there is not repeated here. The rules are those of docs/liveness.md.

export type Digest = `${string}:${string}`;

interface Descriptor {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface ManifestJson {
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly Descriptor[];
  readonly subject?: Descriptor;
}

interface IndexJson {
  readonly manifests: readonly Descriptor[];
  readonly [field: string]: unknown;
}

export interface Layout {
  readonly index: IndexJson;
  /** Every blob on disk, and its size. */
  readonly blobs: ReadonlyMap<Digest, number>;
  /** Every blob that has the shape of a manifest. */
  readonly manifests: ReadonlyMap<Digest, ManifestJson>;
}

const REF_NAME = "org.opencontainers.image.ref.name";

export const nameOf = ({ annotations }: Descriptor): string | undefined => annotations?.[REF_NAME];

export async function readLayout(directory: string): Promise<Layout> {
  const index = JSON.parse(await readFile(join(directory, "index.json"), "utf8")) as IndexJson;
  const blobs = new Map<Digest, number>();
  const manifests = new Map<Digest, ManifestJson>();
  const base = join(directory, "blobs", "sha256");
  for (const name of await readdir(base).catch(() => [])) {
    if (!/^[0-9a-f]{64}$/.test(name)) continue;
    const bytes = await readFile(join(base, name));
    blobs.set(`sha256:${name}`, bytes.length);
    if (bytes[0] !== 0x7b) continue;
    const json = JSON.parse(bytes.toString("utf8"));
    if (Array.isArray(json.manifests) || (Array.isArray(json.layers) && json.config))
      manifests.set(`sha256:${name}`, json);
  }
  return { index, blobs, manifests };
}

const contentOf = ({ config, layers = [], manifests = [] }: ManifestJson): Digest[] =>
  [...(config ? [config] : []), ...layers, ...manifests].map(({ digest }) => digest);

/** Everything that these lead to, over content and, if asked, over subjects. */
function reach({ manifests, blobs }: Layout, from: Iterable<Digest>, subjects: boolean): Set<Digest> {
  const reached = new Set([...from].filter((digest) => blobs.has(digest)));
  for (const digest of reached) {
    const manifest = manifests.get(digest);
    if (!manifest) continue;
    const next = contentOf(manifest);
    if (subjects && manifest.subject) next.push(manifest.subject.digest);
    for (const other of next) if (blobs.has(other)) reached.add(other);
  }
  return reached;
}

/** Tags that are named after a manifest which is stored, and the subject of each. */
function machineryOf(layout: Layout): Map<string, Digest> {
  const stored = reach(
    layout,
    layout.index.manifests.map(({ digest }) => digest),
    false,
  );
  const machinery = new Map<string, Digest>();
  for (const entry of layout.index.manifests) {
    const [, hex] = /^sha256-([0-9a-f]{64})$/.exec(nameOf(entry) ?? "") ?? [];
    if (hex && stored.has(`sha256:${hex}`) && layout.manifests.has(`sha256:${hex}`)) {
      machinery.set(nameOf(entry)!, `sha256:${hex}`);
    }
  }
  return machinery;
}

/**
 * Untagged entries that say so, and those that nothing else explains: that no stored manifest nests, and whose subject is
 * not stored; and those that would be garbage otherwise. To be listed is reason enough.
 */
function ownOf(layout: Layout): Set<Digest> {
  const { manifests, index } = layout;
  const stored = reach(
    layout,
    index.manifests.map(({ digest }) => digest),
    true,
  );
  const nested = new Set([...stored].flatMap((digest) => contentOf(manifests.get(digest) ?? {})));
  const tagged = new Set(index.manifests.filter(nameOf).map(({ digest }) => digest));
  const untagged = index.manifests.filter(({ digest }) => !tagged.has(digest));
  const own = untagged.filter(({ digest, annotations }) => {
    const subject = manifests.get(digest)?.subject?.digest;
    return annotations?.["dev.ocistore.own"] === "true" || (!nested.has(digest) && !(subject && stored.has(subject)));
  });
  const roots = new Set(own.map(({ digest }) => digest));
  const { names, links } = tagsOf(layout, index.manifests.filter(nameOf));
  for (const { digest } of untagged) if (!mark(layout, [...names, ...roots], links).has(digest)) roots.add(digest);
  return roots;
}

/** What these tags hold; those that are machinery link what they are on to the subject that they are named after. */
function tagsOf(layout: Layout, tags: readonly Descriptor[]): { names: Digest[]; links: [Digest, Digest][] } {
  const machinery = machineryOf(layout);
  const isName = (entry: Descriptor) => !machinery.has(nameOf(entry)!);
  return {
    names: tags.filter(isName).map(({ digest }) => digest),
    links: tags.filter((entry) => !isName(entry)).map((entry) => [entry.digest, machinery.get(nameOf(entry)!)!]),
  };
}

/** Rules 1 and 2, until nothing is added. `target`: its being a referrer does not keep it. */
function mark(
  layout: Layout,
  roots: Iterable<Digest>,
  machinery: Iterable<[Digest, Digest]>,
  target?: Digest,
): Set<Digest> {
  const referrers = [...machinery];
  for (const [digest, { subject }] of layout.manifests) if (subject) referrers.push([digest, subject.digest]);
  let live = reach(layout, roots, false);
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    for (const [referrer, subject] of referrers) {
      if (live.has(subject) && layout.manifests.has(subject) && referrer !== target) live.add(referrer);
      if (live.has(referrer)) live.add(subject);
    }
    live = reach(layout, live, false);
  }
  return live;
}

function rooted(layout: Layout, gone: (entry: Descriptor) => boolean, target?: Digest): Set<Digest> {
  const { names, links } = tagsOf(
    layout,
    layout.index.manifests.filter((entry) => nameOf(entry) && !gone(entry)),
  );
  const left = [...ownOf(layout)].filter((digest) => digest !== target);
  return mark(layout, [...names, ...left], links, target);
}

const liveIn = (layout: Layout): Set<Digest> => rooted(layout, () => false);

/** What no rule keeps. */
export function garbageIn(layout: Layout): Digest[] {
  const live = liveIn(layout);
  return [...layout.blobs.keys()].filter((digest) => !live.has(digest)).sort();
}

export interface Prediction {
  /** The target is still held, so that nothing but a tag goes; a deletion by digest is refused then. */
  readonly held: boolean;
  readonly removed: readonly Digest[];
  readonly index: IndexJson;
}

/** What deleting a tag or a digest does; with `untag`, what taking the tag away and collecting does. */
export function predict(layout: Layout, reference: string, o: { readonly untag?: boolean } = {}): Prediction {
  const { index, blobs, manifests } = layout;
  const isTarget = (entry: Descriptor) => nameOf(entry) === reference || entry.digest === reference;
  const target = index.manifests.find(isTarget)?.digest ?? (reference as Digest);
  if (!blobs.has(target)) throw new Error(`${reference} is not in this layout`);
  const before = liveIn(layout);
  const live = rooted(layout, isTarget, o.untag ? undefined : target);
  const machinery = machineryOf(layout);
  const kept = index.manifests.filter((entry) => {
    const subject = machinery.get(nameOf(entry) ?? "");
    return !isTarget(entry) && live.has(entry.digest) && (!subject || live.has(subject));
  });
  // A referrer that lost its last name stays listed, since that is how other tools find it.
  const nameless = index.manifests.filter((entry) => {
    const subject = manifests.get(entry.digest)?.subject?.digest;
    const isListed = kept.some(({ digest }) => digest === entry.digest);
    return isTarget(entry) && live.has(entry.digest) && !isListed && subject !== undefined && live.has(subject);
  });
  const removed = [...before].filter((digest) => !live.has(digest)).sort();
  return { held: live.has(target), removed, index: { ...index, manifests: [...kept, ...nameless.map(withoutName)] } };
}

function withoutName(entry: Descriptor): Descriptor {
  const { [REF_NAME]: _, ...annotations } = entry.annotations ?? {};
  const { annotations: __, ...rest } = entry;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

/** What is not as it should be: entries without a blob, manifests that name what is not there, sizes that differ. */
export function faultsOf(layout: Layout): string[] {
  const faults: string[] = [];
  const expected = (by: string, { digest, size }: Descriptor) => {
    if (layout.blobs.get(digest) !== size)
      faults.push(`${by} names ${digest}: ${layout.blobs.get(digest)}, not ${size}`);
  };
  for (const entry of layout.index.manifests) expected("index.json", entry);
  for (const digest of reach(
    layout,
    layout.index.manifests.map(({ digest }) => digest),
    true,
  )) {
    const { config, layers = [], manifests = [] } = layout.manifests.get(digest) ?? {};
    for (const each of [...(config ? [config] : []), ...layers, ...manifests]) expected(digest, each);
  }
  return faults;
}
