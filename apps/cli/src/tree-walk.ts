import { type Descriptor, type Digest, type Manifest, NodeTable } from "@ocistore/core";
import { type Content, platformName } from "./content.ts";

/** A line of the tree. */
export interface TreeNode {
  readonly depth: number;
  /** What it is to the node above. */
  readonly role: "root" | "manifest" | "config" | "layer" | "opaque" | "subject" | "referrer";
  readonly digest: Digest;
  readonly parent?: Digest;
  readonly kind?: string;
  /** Of itself, in bytes. */
  readonly size?: number;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly platform?: string;
  readonly title?: string;
  /** It was there before, and what is below it is not told again. */
  readonly isRepeated: boolean;
  readonly isStored: boolean;
  /** The lines drawn before it. */
  readonly prefix: string;
}

interface Step {
  readonly depth: number;
  readonly role: TreeNode["role"];
  readonly digest: Digest;
  readonly parent?: Digest;
  readonly descriptor?: Partial<Descriptor>;
  readonly isStored: boolean;
  /** Of what is below it. */
  readonly indent: string;
  readonly prefix: string;
}

const TITLE = "org.opencontainers.image.title";

/** Downwards from each start, parents first; of what it has met it keeps the digest alone. With a stack of its own, as nesting may be deeper than the engine's. */
export async function* walkTree(content: Content, starts: readonly Digest[]): AsyncGenerator<TreeNode> {
  const met = new NodeTable();
  for (const digest of starts) yield* walkFrom(content, digest, met);
}

async function* walkFrom(content: Content, start: Digest, met: NodeTable): AsyncGenerator<TreeNode> {
  // What is on it lies beside the way down to where we are, and nowhere else.
  const isStored = await content.isStored(start);
  const stack: Step[] = [{ depth: 0, role: "root", digest: start, isStored, indent: "", prefix: "" }];
  for (let step = stack.pop(); step; step = stack.pop()) {
    const { digest, role, depth, indent, parent } = step;
    const before = met.size;
    const isRepeated = met.id(undefined, digest) < before;
    const opens = !isRepeated && role !== "subject";
    const manifest = opens ? await content.manifest(digest) : undefined;
    yield nodeOf(content, step, isRepeated);
    if (!opens) continue;
    const below = [...namedBy(manifest, parent), ...(await referrersBelow(content, digest, parent))];
    const stored = await storedAmong(content, below);
    for (let at = below.length - 1; at >= 0; at--) {
      const isLast = at === below.length - 1;
      stack.push({
        ...below[at]!,
        isStored: stored[at]!,
        depth: depth + 1,
        parent: digest,
        prefix: `${indent}${isLast ? "└─ " : "├─ "}`,
        indent: `${indent}${isLast ? "   " : "│  "}`,
      });
    }
  }
}

/** So many are looked for together: a disk answers several questions in the time of one. */
const WAVE = 32;

async function storedAmong(content: Content, below: readonly Below[]): Promise<boolean[]> {
  const stored: boolean[] = [];
  for (let at = 0; at < below.length; at += WAVE) {
    const wave = below.slice(at, at + WAVE).map(({ digest }) => content.isStored(digest));
    stored.push(...(await Promise.all(wave)));
  }
  return stored;
}

type Below = Pick<Step, "role" | "digest" | "descriptor">;

function namedBy(manifest: Manifest | undefined, parent: Digest | undefined): Below[] {
  if (!manifest) return [];
  const descriptors = new Map<string, Descriptor>();
  const { config, layers, manifests, blobs, subject } = manifest;
  for (const each of [subject, config, ...layers, ...blobs, ...manifests]) {
    if (each && !descriptors.has(each.digest)) descriptors.set(each.digest, each);
  }
  return manifest.edges
    .filter(({ kind, to }) => kind !== "subject" || to !== parent)
    .map(({ to, kind, size, mediaType }) => {
      const bare = { ...(size !== undefined && { size }), ...(mediaType && { mediaType }) };
      return { role: kind, digest: to, descriptor: descriptors.get(to) ?? bare };
    });
}

/** A referrers tag's index refers to the subject too, by its name; it stands below it once. */
async function referrersBelow(content: Content, digest: Digest, parent: Digest | undefined): Promise<Below[]> {
  const referrers = await content.referrersOf(digest);
  return referrers.filter((each) => each !== parent).map((each) => ({ role: "referrer", digest: each }));
}

function nodeOf(content: Content, step: Step, isRepeated: boolean): TreeNode {
  const { digest, descriptor, depth, role, parent, isStored, prefix } = step;
  const record = content.records.get(digest);
  const kind = content.kindOf(digest);
  const size = record?.size ?? descriptor?.size;
  const mediaType = record?.mediaType ?? descriptor?.mediaType;
  const artifactType = record?.artifactType ?? descriptor?.artifactType;
  const [platform] = platformName(descriptor?.platform);
  const title = descriptor?.annotations?.[TITLE];
  return {
    depth,
    role,
    digest,
    ...(parent && { parent }),
    ...(kind !== "missing" && { kind }),
    ...(size !== undefined && { size }),
    ...(mediaType && { mediaType }),
    ...(artifactType && { artifactType }),
    ...(platform && { platform }),
    ...(title !== undefined && { title }),
    isRepeated,
    isStored,
    prefix,
  };
}
