import type { Digest } from "../../model/digest.ts";
import type { CondemnedRow } from "../state.ts";
import { type Context, edgesOf } from "./context.ts";
import { addMember } from "./members.ts";

/**
 * Brings condemned bytes back, and with a manifest all that it names: a manifest that lives over content that does not is
 * the state that must never be. Nothing that it names can have been purged before it, since purging goes parents first;
 * what is missing was missing already when it was condemned.
 *
 * @param repository Where the manifests among it become readable again, if they were members there.
 * @returns Whether it is in use now; false if it is absent or being purged.
 */
export async function revive(ctx: Context, digest: Digest, repository?: string): Promise<boolean> {
  const { draft, facts, o } = ctx;
  const rows = await closureOf(ctx, digest);
  if (!rows) return false;
  // Content first, so that nothing is a member before what it names is back.
  for (const row of rows.reverse()) {
    const { size, generation } = row;
    draft.condemned.delete(row.digest);
    if (facts.membership === "recorded") {
      draft.blobs.set(row.digest, { digest: row.digest, size, generation, since: ctx.now });
      const membership = repository === undefined ? undefined : row.repositories.get(repository);
      const record = draft.records.get(row.digest);
      if (repository !== undefined && membership && record)
        addMember(ctx, repository, record, false, membership.absent);
    }
    draft.touch(row.digest, ctx.now);
  }
  return rows.length > 0 || (await facts.locate(draft, digest, o)) !== undefined;
}

/** The condemned rows of a digest and of what it names, itself first; `undefined` if one of them is being purged. */
async function closureOf(ctx: Context, digest: Digest): Promise<CondemnedRow[] | undefined> {
  const rows = new Map<Digest, CondemnedRow>();
  const queue = [digest];
  for (let next = 0; next < queue.length; next++) {
    const each = queue[next]!;
    const row = ctx.draft.condemned.get(each);
    if (!row || rows.has(each)) continue;
    if (row.purging) return undefined;
    rows.set(each, row);
    if (row.kind !== "manifest") continue;
    for (const { to, kind } of await edgesOf(ctx, "", each)) {
      if (kind !== "subject") queue.push(to);
    }
  }
  return [...rows.values()];
}

/** Of what was condemned, only the repository that had it may have it back. */
export function mayBringBack({ draft, facts }: Context, repository: string, digest: Digest): boolean {
  if (facts.membership === "listed") return true;
  return draft.condemned.get(digest)?.repositories.has(repository) ?? false;
}
