import type { Descriptor, Digest, Manifest } from "@ocistore/core";
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
  /** Of what is below it. */
  readonly indent: string;
  readonly prefix: string;
}

const TITLE = "org.opencontainers.image.title";

/** Downwards from each start, parents first. With a stack of its own, as nesting may be deeper than the engine's. */
export async function* walkTree(content: Content, starts: readonly Digest[]): AsyncGenerator<TreeNode> {
  const met = new Set<Digest>();
  const stack: Step[] = [...starts]
    .reverse()
    .map((digest) => ({ depth: 0, role: "root", digest, indent: "", prefix: "" }));
  for (let step = stack.pop(); step; step = stack.pop()) {
    const { digest, role, depth, indent, parent } = step;
    const isRepeated = met.has(digest);
    met.add(digest);
    const opens = !isRepeated && role !== "subject";
    const manifest = opens ? await content.manifest(digest) : undefined;
    yield nodeOf(content, step, isRepeated, await content.isStored(digest));
    if (!opens) continue;
    const below = [...namedBy(manifest, parent), ...(await referrersBelow(content, digest, parent))];
    for (let at = below.length - 1; at >= 0; at--) {
      const isLast = at === below.length - 1;
      stack.push({
        ...below[at]!,
        depth: depth + 1,
        parent: digest,
        prefix: `${indent}${isLast ? "└─ " : "├─ "}`,
        indent: `${indent}${isLast ? "   " : "│  "}`,
      });
    }
  }
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

function nodeOf(content: Content, step: Step, isRepeated: boolean, isStored: boolean): TreeNode {
  const { digest, descriptor, depth, role, parent, prefix } = step;
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
