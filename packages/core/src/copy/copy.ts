import type { Signal } from "../contract/environment.ts";
import { OciStoreError } from "../errors.ts";
import type { Descriptor, Platform } from "../model/descriptor.ts";
import type { Digest } from "../model/digest.ts";
import { parseRefName, parseTarget } from "../model/reference.ts";
import type { Reference } from "../store/repository.ts";
import { aimAt } from "./aim.ts";
import { Closure, walk } from "./closure.ts";
import { type CopyEvent, type CopyReceipt, Ledger } from "./events.ts";
import type { ReadableRepository, WritableRepository } from "./repositories.ts";
import { on, sided } from "./side.ts";
import { Source } from "./source.ts";
import { dryTarget, sessionTarget, type Target } from "./target.ts";
import { Transfer } from "./transfer.ts";

/** What all ways to copy have in common. */
export interface CopyingOptions extends Signal {
  /** Also what refers to any manifest that is copied, at any depth. */
  readonly referrers?: boolean | undefined;
  /**
   * Called for each manifest that another one leads to: a child as its index describes it, a subject or a referrer with its
   * own artifact type and annotations. `false` leaves it out, and what names it as a child is then sparse.
   */
  readonly filter?: ((descriptor: Descriptor, parent: Descriptor) => boolean) | undefined;
  /** What each tag at the destination must be on now; `null`: it must be new. */
  readonly expect?: Digest | null | undefined;
  /** How many requests are under way at a time; 4 unless given. */
  readonly concurrency?: number | undefined;
  /** How many links, to what a manifest names or what a list has, are followed at most; 1 000 000 unless given. */
  readonly limit?: number | undefined;
  /** Finds out all that would be done, and changes nothing. The destination has to have `blob`. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: ((event: CopyEvent) => void) | undefined;
}

export interface CopyOptions extends CopyingOptions {
  /** Tags at the destination; unless given the one that was copied, and none for a digest. */
  readonly tags?: readonly string[] | undefined;
  /**
   * Of an index only what runs on these, as `linux/arm64`. One: the manifest for it is copied, and has the tags. Several: a
   * new index that has only those, and their attestations. See also `sparse`.
   */
  readonly platforms?: readonly (string | Platform)[] | undefined;
  /**
   * Children may be left out: with `platforms` the index stays as it is, byte for byte, with only some of its manifests; and
   * those that the source does not have are no failure.
   */
  readonly sparse?: boolean | undefined;
}

const CONCURRENCY = 4;

/**
 * Copies a manifest with all that it needs from one repository to another, and then sets its tags, in one step. What is
 * there already is not sent again; but a manifest that is there is not taken for more than itself: what it names is looked
 * for too, and is copied if it is missing.
 *
 * A layer that is left at its `urls` is copied if the source has it. A subject is copied where the source has it.
 *
 * When it fails, or is aborted, nothing has been tagged; what has been stored is kept for an hour for the next try.
 *
 * @throws `NOT_FOUND`, `DIGEST_MISMATCH` and whatever else either side fails with: `data.side` says which, `data.op` at what.
 * @throws `CONFLICT` if `expect` does not hold; `LIMIT_EXCEEDED` if there are more links than `limit`.
 *
 * @example
 * await copy(local.repository(), shared.repository("app"), "v1", { referrers: true, tags: ["v1", "latest"] });
 */
export async function copy(
  from: ReadableRepository,
  to: WritableRepository,
  reference: Reference,
  o: CopyOptions = {},
): Promise<CopyReceipt> {
  const tags = (o.tags ?? defaultTags(reference)).map(parseRefName);
  return copying(from, to, o, async ({ source, ledger, closure, transfer, options }) => {
    await mustExpect(to, tags, o);
    const { descriptor, keep } = await aimAt(source, reference, o);
    const fresh = await walk(closure, source, [{ descriptor, as: "root" }], { ...options, sparse: o.sparse, keep });
    await transfer.run(fresh, { descriptor, tags, expect: o.expect }, o);
    return { root: closure.manifests.get(descriptor.digest)!.descriptor, ...ledger.receipt() };
  });
}

/**
 * Copies every tag, one after the other: what is done of them stays when it fails. With `expect: null`, tags that are at the
 * destination already are left alone.
 */
export async function copyAll(
  from: ReadableRepository,
  to: WritableRepository,
  o: CopyingOptions & Pick<CopyOptions, "sparse"> = {},
): Promise<Omit<CopyReceipt, "root">> {
  return copying(from, to, o, async ({ source, ledger, closure, transfer, options }) => {
    for await (const tag of source.tags(o)) {
      const there = o.expect === null ? await on("destination", "look", (only) => to.find(tag, only), o) : undefined;
      if (there) {
        ledger.tell({ event: "kept", descriptor: there, tag });
        continue;
      }
      await mustExpect(to, [tag], o);
      const descriptor = await source.resolve(tag, o);
      const fresh = await walk(closure, source, [{ descriptor, as: "root" }], { ...options, sparse: o.sparse });
      await transfer.run(fresh, { descriptor, tags: [tag], expect: o.expect }, o);
    }
    return ledger.receipt();
  });
}

export interface Copying {
  readonly source: Source;
  readonly ledger: Ledger;
  readonly closure: Closure;
  readonly transfer: Transfer;
  readonly options: Signal & Pick<CopyingOptions, "referrers" | "filter"> & { readonly concurrency: number };
}

/** Gives the work all that a copy needs, in a session of the destination. */
export async function copying<T>(
  from: ReadableRepository,
  to: WritableRepository,
  o: CopyingOptions,
  work: (copying: Copying) => Promise<T>,
): Promise<T> {
  const { signal, referrers, filter, concurrency = CONCURRENCY } = o;
  if (!Number.isSafeInteger(concurrency) || concurrency < 1)
    throw new TypeError("concurrency is a whole number above 0");
  const source = new Source(from, o.limit);
  const ledger = new Ledger(o.onProgress);
  const closure = new Closure();
  const withTarget = (target: Target) => {
    const transfer = new Transfer({ source, target, closure, ledger, concurrency });
    return work({ source, ledger, closure, transfer, options: { signal, referrers, filter, concurrency } });
  };
  if (o.dryRun) return withTarget(dryTarget(to, source));
  let failure: { readonly error: unknown } | undefined;
  try {
    return await to.session(
      async (session) => {
        try {
          return await withTarget(sessionTarget(to, session, source));
        } catch (error) {
          failure = { error };
          throw error;
        }
      },
      { signal },
    );
  } catch (error) {
    // Only what the session itself fails with has not been told apart yet.
    throw failure ? failure.error : sided(error, "destination", "write", o);
  }
}

export function defaultTags(reference: Reference): readonly string[] {
  if (typeof reference !== "string") return [];
  const target = parseTarget(reference);
  return "tag" in target ? [target.tag] : [];
}

/** Looked at before anything is copied; that it still holds is checked when the tags are set. */
export async function mustExpect(to: WritableRepository, tags: readonly string[], o: CopyingOptions): Promise<void> {
  const { expect } = o;
  if (expect === undefined) return;
  for (const tag of tags) {
    const there = await on("destination", "look", (only) => to.find(tag, only), o);
    if (there?.digest === (expect ?? undefined)) continue;
    const wanted = expect === null ? "new" : `on ${expect}`;
    const data = { reference: tag, ...(there && { digest: there.digest }), side: "destination", op: "tag" } as const;
    const message = `destination: tag ${tag} is ${there ? `on ${there.digest}` : "absent"}, not ${wanted}`;
    throw new OciStoreError("CONFLICT", message, data);
  }
}
