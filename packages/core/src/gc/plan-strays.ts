import type { Ms, Signal } from "../contract/environment.ts";
import type { Digest } from "../model/digest.ts";
import type { Found } from "./found.ts";
import type { Parts } from "./parts.ts";
import type { Kept, PlanItem } from "./plan.ts";

/**
 * Bytes that lie there and that the catalog does not know may be on their way in: committed, and not yet added. They get so
 * long whatever the grace is. (Where names are fixed, bytes are known from the moment they have their name.)
 */
export const ARRIVING: Ms = 60 * 60_000;

/**
 * Bytes that the catalog has never heard of, so that no queue can: of a process that died between giving them their name and
 * recording it, or of another tool that came no further. To find them, all names are listed, and nothing is read.
 */
export async function strayBytes(
  { catalog, blobs, env }: Parts,
  { before, ...o }: Signal & { readonly before: Ms | undefined },
): Promise<Pick<Found, "items" | "kept">> {
  const latest = Math.min(before ?? env.now(), env.now() - ARRIVING);
  const condemned = new Set<Digest>();
  for await (const { digest } of catalog.condemned(o)) condemned.add(digest);

  const items: PlanItem[] = [];
  const kept: Kept[] = [];
  for await (const { digest, size, generation, since } of blobs.list(o)) {
    o.signal?.throwIfAborted();
    if (condemned.has(digest) || (await catalog.locate(undefined, digest, o))) continue;
    if (since > latest) kept.push({ digest, size, because: "grace", heldBy: [] });
    else items.push({ digest, size, generation, kind: "blob", reason: "nothing knows it" });
  }
  return { items, kept };
}
