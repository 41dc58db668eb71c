import type { Range } from "../contract/blob-store.ts";
import type { Change, ManifestRecord, Page } from "../contract/catalog.ts";
import { checkedTime } from "../contract/checked.ts";
import { type Ms, randomId, type Signal } from "../contract/environment.ts";
import type { Bytes, Located } from "../contract/placement.ts";
import { OciStoreError } from "../errors.ts";
import { type ApplyOptions, applyPlan, type Receipt } from "../gc/apply.ts";
import type { Parts } from "../gc/parts.ts";
import type { Plan } from "../gc/plan.ts";
import { type DeleteOptions, planDelete } from "../gc/plan-delete.ts";
import { mustBeReadable } from "../gc/unreadable.ts";
import { manifestNode } from "../liveness/node.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { type Digest, parseDigest } from "../model/digest.ts";
import type { Edge } from "../model/edge.ts";
import { MANIFEST_LIMIT } from "../model/json.ts";
import { type Manifest, parseManifest } from "../model/manifest.ts";
import { parseRefName, parseTarget, type Target } from "../model/reference.ts";
import { Session } from "./session.ts";
import { gathered, verified } from "./verified.ts";

/** A tag, a digest, or a descriptor, of which the digest counts. */
export type Reference = string | Descriptor;

/** What a session leaves claimed when it fails, so that the next try finds what this one has stored. */
const KEEP_AFTER_FAILURE: Ms = 60 * 60_000;

/**
 * The manifests and tags under one name. Bytes are shared by all repositories of a store; what can be read here is what
 * was pushed here.
 */
export class Repository {
  readonly name: string;
  readonly #parts: () => Parts;

  constructor(parts: () => Parts, name: string) {
    this.#parts = parts;
    this.name = name;
  }

  /** The same for all repositories that share bytes; it is for telling that, and nothing else. */
  get store(): object {
    return this.#parts();
  }

  /**
   * Runs `work` in a session, and ends that with it. If it throws, what was stored stays claimed for an hour.
   *
   * @example
   * const image = await repository.session(async (session) => {
   *   const layer = await session.putBlob(bytes);
   *   return session.putManifest(packManifest({ artifactType: "application/vnd.example", layers: [layer] }), { tags: ["v1"] });
   * });
   */
  async session<T>(work: (session: Session) => Promise<T>, o: Signal = {}): Promise<T> {
    const session = this.openSession(`session-${randomId(this.#parts().env)}`, o);
    try {
      const result = await work(session);
      await session.end(o);
      return result;
    } catch (error) {
      await session.end({ keepFor: KEEP_AFTER_FAILURE }).catch(() => {});
      throw error;
    }
  }

  /** A session that is ended by hand, under a name that may be taken up again, by another process too. */
  openSession(owner: string, o: Signal = {}): Session {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(owner))
      throw new TypeError(`${JSON.stringify(owner)} names no session`);
    return new Session(this.#parts, this.name, owner, o);
  }

  /** The manifest that a reference is on; `undefined` if there is none. Promises nothing about the next moment. */
  async find(reference: Reference, o: Signal = {}): Promise<Descriptor | undefined> {
    const { catalog } = this.#parts();
    const digest = await this.#digestOf(reference, o);
    const record = digest && (await catalog.manifest(this.name, digest, o));
    return record && descriptorOfRecord(record);
  }

  /** @throws `NOT_FOUND`, and as {@link find}. */
  async resolve(reference: Reference, o: Signal = {}): Promise<Descriptor> {
    const found = await this.find(reference, o);
    if (!found) throw notFound(reference, "no manifest that is stored here");
    return found;
  }

  /** A manifest, read and verified. @throws `NOT_FOUND`, `CORRUPT`, `MANIFEST_INVALID`. */
  async manifest(reference: Reference, o: Signal = {}): Promise<Manifest & { readonly bytes: Uint8Array }> {
    const { digest, mediaType } = await this.resolve(reference, o);
    const bytes = await this.bytes(digest, { ...o, limit: MANIFEST_LIMIT });
    return { ...parseManifest(bytes, mediaType), bytes };
  }

  /**
   * The bytes of a blob, or of a manifest, in pieces that are safe to keep. Whole, they are verified while they pass; a part
   * cannot be.
   *
   * @throws `NOT_FOUND`, `RANGE_INVALID`, `CORRUPT` (at the end).
   */
  async *blob(reference: Reference, o: Signal & Range = {}): Bytes {
    yield* verified(this.#parts().blobs, await this.#locate(reference, o), o);
  }

  /** The bytes at once, for small content. `limit`: 4 MiB unless given. @throws `SIZE_MISMATCH` if there are more. */
  async bytes(reference: Reference, o: Signal & { readonly limit?: number | undefined } = {}): Promise<Uint8Array> {
    const located = await this.#locate(reference, o);
    const limit = o.limit ?? MANIFEST_LIMIT;
    if (located.size > limit) {
      const data = { digest: located.digest, expected: limit, actual: located.size };
      throw new OciStoreError("SIZE_MISMATCH", `${located.digest} has ${located.size} bytes, more than ${limit}`, data);
    }
    return gathered(verified(this.#parts().blobs, located, { signal: o.signal }));
  }

  /** Tags in the order of their ASCII codes. */
  tags(page: Page = {}): AsyncIterable<{ readonly name: string; readonly digest: Digest }> {
    return this.#parts().catalog.tags(this.name, page);
  }

  /**
   * Puts tags on a manifest that is stored, all in one step; a tag that is elsewhere moves.
   *
   * @throws `NOT_FOUND`, `REFERENCE_INVALID`, `CONFLICT` if `expect` does not hold.
   */
  async tag(
    reference: Reference,
    names: string | readonly string[],
    o: Signal & { readonly expect?: Digest | null | undefined } = {},
  ): Promise<Descriptor> {
    const target = await this.resolve(reference, o);
    const changes = [names]
      .flat()
      .map((name): Change => ({ do: "tag", name: parseRefName(name), to: target.digest, expect: o.expect }));
    await this.#parts().catalog.change(this.name, changes, o);
    return target;
  }

  /** Takes a tag away and nothing else: what only it held is garbage from now on. @throws `NOT_FOUND`, `CONFLICT`. */
  async untag(name: string, o: Signal & { readonly expect?: Digest | undefined } = {}): Promise<void> {
    await this.#parts().catalog.change(this.name, [{ do: "untag", name: parseRefName(name), expect: o.expect }], o);
  }

  /** Keeps content whatever becomes of its tags. @throws `NOT_FOUND`. */
  async pin(reference: Reference, name: string, o: Signal & { readonly until?: Ms | undefined } = {}): Promise<void> {
    const until = o.until === undefined ? undefined : checkedTime(o.until, "until");
    const { digest } = await this.#locate(reference, o);
    await this.#parts().catalog.change(this.name, [{ do: "pin", name: parseRefName(name), digest, until }], o);
  }

  /** @throws `NOT_FOUND`. */
  async unpin(name: string, o: Signal = {}): Promise<void> {
    await this.#parts().catalog.change(this.name, [{ do: "unpin", name: parseRefName(name) }], o);
  }

  /**
   * The manifests whose subject this is; the subject itself may be missing.
   *
   * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
   */
  async *referrers(
    reference: Reference,
    o: Page & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor> {
    const digest = await this.#digestOf(reference, o);
    if (!digest) throw notFound(reference);
    for await (const record of this.#parts().catalog.referrers(this.name, digest, o)) yield descriptorOfRecord(record);
  }

  /** What a manifest names, in the order in which it does: subject, config, layers, manifests. @throws `NOT_FOUND`. */
  async successors(reference: Reference, o: Signal = {}): Promise<readonly Edge[]> {
    const digest = await this.#digestOf(reference, o);
    const record = digest && (await this.#parts().catalog.manifest(this.name, digest, o));
    if (!record) throw notFound(reference);
    return record.edges;
  }

  /** The stored manifests that name it: as content, or as their subject. Of what is not stored, none. */
  async predecessors(reference: Reference, o: Signal = {}): Promise<readonly Descriptor[]> {
    const { catalog } = this.#parts();
    const digest = await this.#digestOf(reference, o);
    if (!digest) throw notFound(reference);
    const graph = await catalog.graph(o);
    await mustBeReadable(graph, { ...o, repository: this.name });
    const node = manifestNode(this.name, digest);
    const digests = new Set(
      [...(await graph.parents(node, o)), ...(await graph.referrers(node, o))].map((other) => other.digest),
    );
    const found: Descriptor[] = [];
    for (const other of [...digests].sort()) {
      const record = await graph.manifest(this.name, other, o);
      if (record) found.push(descriptorOfRecord(record));
    }
    return found;
  }

  /** What deleting these would do. Changes nothing. See {@link planDelete}. */
  planDelete(references: Reference | readonly Reference[], o: DeleteOptions = {}): Promise<Plan> {
    const list = Array.isArray(references) ? references : [references as Reference];
    return planDelete(this.#parts(), this.name, list.map(targetOf), o);
  }

  /** Deletes at once what {@link planDelete} says. */
  async delete(references: Reference | readonly Reference[], o: DeleteOptions & ApplyOptions = {}): Promise<Receipt> {
    return applyPlan(this.#parts(), await this.planDelete(references, o), o);
  }

  async #digestOf(reference: Reference, o: Signal): Promise<Digest | undefined> {
    const target = targetOf(reference);
    return "digest" in target ? target.digest : this.#parts().catalog.resolve(this.name, target.tag, o);
  }

  async #locate(reference: Reference, o: Signal): Promise<Located> {
    const digest = await this.#digestOf(reference, o);
    const located = digest && (await this.#parts().catalog.locate(this.name, digest, o));
    if (!located) throw notFound(reference);
    return located;
  }
}

function targetOf(reference: Reference): Target {
  if (typeof reference === "string") return parseTarget(reference);
  if (typeof reference !== "object" || reference === null)
    throw new TypeError("a reference is a string or a descriptor");
  return { digest: parseDigest(reference.digest) };
}

/** A blob of that digest may be stored all the same, and nobody is to read that it is not. */
function notFound(reference: Reference, what = "not stored here"): OciStoreError {
  const text = typeof reference === "string" ? reference : reference.digest;
  const said = "tag" in targetOf(reference) ? "not stored here" : what;
  return new OciStoreError("NOT_FOUND", `${text} is ${said}`, { reference: text });
}

/** @see https://github.com/opencontainers/image-spec/blob/main/descriptor.md */
function descriptorOfRecord({ mediaType, digest, size, artifactType, annotations }: ManifestRecord): Descriptor {
  return { mediaType, digest, size, ...(artifactType && { artifactType }), ...(annotations && { annotations }) };
}
