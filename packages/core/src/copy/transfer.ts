import type { Signal } from "../contract/environment.ts";
import { isOciStoreError } from "../errors.ts";
import type { Descriptor } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import type { PutManifestOptions } from "../store/session.ts";
import type { Closure, Fresh, ManifestNode } from "./closure.ts";
import type { Copied, Ledger } from "./events.ts";
import { inParallel } from "./parallel.ts";
import type { Source } from "./source.ts";
import type { Target } from "./target.ts";

export interface TransferParts {
  readonly source: Source;
  readonly target: Target;
  readonly closure: Closure;
  readonly ledger: Ledger;
  readonly concurrency: number;
}

export interface Root extends Pick<PutManifestOptions, "tags" | "expect"> {
  readonly descriptor: Descriptor;
}

/**
 * Carries over what a walk has found: first all blobs, then manifests, each after what it names, at last the root with its
 * tags. So what is broken off half-way has left blobs that nothing names, which a collection takes, and nothing tagged.
 */
export class Transfer {
  readonly #parts: TransferParts;
  /** What was at the destination from the beginning, and with it all that it needs. */
  readonly #whole = new Set<Digest>();
  /** What lacks something on purpose, itself or in what it names. */
  readonly #sparse = new Set<Digest>();
  readonly #held = new Set<Digest>();
  readonly #done = new Set<Digest>();
  #named: ReadonlySet<Digest> = new Set();

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  async run(fresh: Fresh, root: Root, o: Signal): Promise<void> {
    const { ledger, concurrency } = this.#parts;
    for (const { descriptor } of fresh.manifests) ledger.tell({ event: "found", kind: "manifest", descriptor });
    for (const descriptor of fresh.blobs) ledger.tell({ event: "found", kind: "blob", descriptor });
    await this.#blobs(fresh.blobs, o);
    const there = await this.#there(fresh.manifests, o);
    const waves = topological(fresh.manifests);
    for (const wave of waves) for (const node of wave) this.#judge(node, there);

    this.#named = namedBy(fresh.manifests);
    const { digest } = root.descriptor;
    for (const wave of waves) {
      // The root comes last, with its tags, unless something else has to name it before that.
      const now = wave.filter((node) => node.descriptor.digest !== digest || this.#named.has(digest));
      await inParallel(now, { concurrency, signal: o.signal }, (node, inner) => this.#putNode(node, {}, inner));
    }
    const { tags = [], expect } = root;
    const node = this.#parts.closure.manifests.get(digest)!;
    if (tags.length > 0 || !this.#done.has(digest)) await this.#putNode(node, { tags, expect }, o);
    for (const tag of tags) ledger.tell({ event: "tagged", descriptor: node.descriptor, tag });
  }

  async #blobs(blobs: readonly Copied[], o: Signal): Promise<void> {
    const { target, ledger, concurrency } = this.#parts;
    const options = { concurrency, signal: o.signal };
    const held = await target.blobs(digestsOf(blobs), options);
    const absent = blobs.filter(({ digest }) => !held.has(digest));
    const mounted = absent.length > 0 ? await target.mount(digestsOf(absent), options) : new Set();
    for (const digest of held) this.#held.add(digest);
    for (const descriptor of blobs) {
      if (held.has(descriptor.digest)) ledger.tell({ event: "skipped", kind: "blob", descriptor });
      else if (mounted.has(descriptor.digest)) ledger.tell({ event: "mounted", kind: "blob", descriptor });
    }
    const rest = absent.filter(({ digest }) => !mounted.has(digest));
    await inParallel(rest, options, async (descriptor, inner) => {
      const onBytes = (bytes: number) => ledger.tell({ event: "copying", kind: "blob", descriptor, bytes });
      await target.putBlob(descriptor, onBytes, inner);
      ledger.tell({ event: "copied", kind: "blob", descriptor });
    });
  }

  #there(nodes: readonly ManifestNode[], { signal }: Signal): Promise<ReadonlySet<Digest>> {
    const { target, concurrency } = this.#parts;
    const digests = nodes.map(({ descriptor }) => descriptor.digest);
    return target.manifests(digests, { concurrency, signal });
  }

  /** That a manifest is there says nothing of what it names: whole is what is there with all that it needs. */
  #judge({ descriptor, blobs, children }: ManifestNode, there: ReadonlySet<Digest>): void {
    const { closure, ledger } = this.#parts;
    const copied = children.filter((child) => closure.manifests.has(child));
    for (const child of children) if (!closure.manifests.has(child)) ledger.leftOut.add(child);
    if (copied.length < children.length || copied.some((child) => this.#sparse.has(child)))
      this.#sparse.add(descriptor.digest);
    const isWhole =
      there.has(descriptor.digest) &&
      copied.every((child) => this.#whole.has(child)) &&
      blobs.every((blob) => this.#held.has(blob));
    if (isWhole) this.#whole.add(descriptor.digest);
  }

  async #putNode(node: ManifestNode, o: PutManifestOptions, { signal }: Signal): Promise<void> {
    const { ledger, closure } = this.#parts;
    const { descriptor, subject } = node;
    const { digest } = descriptor;
    const isWhole = this.#whole.has(digest);
    // What nothing names is put in any case: its bytes may be there, left by a try that died, and nobody know what they are.
    if (!isWhole || !this.#named.has(digest) || (o.tags?.length ?? 0) > 0) await this.#put(node, { ...o, signal });
    if (this.#done.has(digest)) return;
    this.#done.add(digest);
    if (subject && closure.manifests.has(subject)) ledger.referrers += 1;
    ledger.tell({ event: isWhole ? "skipped" : "copied", kind: "manifest", descriptor });
  }

  async #put({ descriptor, blobs }: ManifestNode, o: PutManifestOptions): Promise<void> {
    const { source, target, closure } = this.#parts;
    const { digest, mediaType } = descriptor;
    const bytes = await source.bytes(descriptor, o);
    const put = () => target.putManifest({ bytes, mediaType, digest }, { ...o, sparse: this.#sparse.has(digest) });
    try {
      await put();
    } catch (error) {
      // A blob that was there turns out to be damaged: too short, say.
      const damaged = isOciStoreError(error, "SIZE_MISMATCH") && blobs.find((blob) => blob === error.data.digest);
      if (!damaged) throw error;
      await target.putBlob(closure.blobs.get(damaged)!, () => {}, { signal: o.signal });
      await put();
    }
  }
}

/** Waves of manifests, each after all that it names. Nothing names itself, so all come. */
function topological(nodes: readonly ManifestNode[]): readonly (readonly ManifestNode[])[] {
  const fresh = new Set(nodes.map(({ descriptor }) => descriptor.digest));
  const parents = new Map<Digest, ManifestNode[]>();
  const waiting = new Map<ManifestNode, number>();
  for (const node of nodes) {
    const before = new Set([...node.children, ...node.mentions].filter((child) => fresh.has(child)));
    waiting.set(node, before.size);
    for (const child of before) {
      const known = parents.get(child);
      if (known) known.push(node);
      else parents.set(child, [node]);
    }
  }
  const waves: ManifestNode[][] = [];
  for (let wave = nodes.filter((node) => waiting.get(node) === 0); wave.length > 0; ) {
    waves.push(wave);
    const next: ManifestNode[] = [];
    for (const { descriptor } of wave) {
      for (const parent of parents.get(descriptor.digest) ?? []) {
        const left = waiting.get(parent)! - 1;
        waiting.set(parent, left);
        if (left === 0) next.push(parent);
      }
    }
    wave = next;
  }
  return waves;
}

function namedBy(nodes: readonly ManifestNode[]): ReadonlySet<Digest> {
  return new Set(nodes.flatMap(({ children, mentions }) => [...children, ...mentions]));
}

function digestsOf(list: readonly { readonly digest: Digest }[]): readonly Digest[] {
  return list.map(({ digest }) => digest);
}
