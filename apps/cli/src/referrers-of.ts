import type { Descriptor, Digest, Store } from "@ocistore/core";
import { type Context, digestAt } from "./context.ts";
import { notFound } from "./errors.ts";
import { formatPlace, type Place, type Target } from "./place.ts";

/** What a question about referrers is about. */
export interface Subject {
  readonly digest: Digest;
  /** `undefined`: it is not stored, though something refers to it. */
  readonly descriptor: Descriptor | undefined;
}

/** @throws `NOT_FOUND` if it is not stored and nothing refers to it. */
export async function subjectAt(
  store: Store,
  place: Place & { readonly target: Target },
  { signal }: Context,
): Promise<Subject> {
  const digest = await digestAt(store, place, signal);
  const repository = store.repository();
  const descriptor = await repository.find(digest, { signal });
  if (descriptor) return { digest, descriptor };
  for await (const _ of repository.referrers(digest, { signal, limit: 1 })) return { digest, descriptor };
  const all = formatPlace({ ...place, target: undefined });
  throw notFound(`${digest} is no manifest in ${place.written}`, `\`ocistore ls -a ${all}\` says what there is`);
}
