import type { Digest } from "@ocistore/core";
import type { CondemnedRow, Member } from "../tables/tables.ts";
import type { Context } from "./context.ts";
import { addMember } from "./members.ts";

/**
 * Brings condemned bytes back, and with a manifest all that it names: a manifest that lives over content that does not is
 * the state that must never be. Nothing that it names can have been purged before it, since purging goes parents first;
 * what is missing was missing already when it was condemned.
 *
 * @param repository Where the manifests among it become readable again, if they were members there.
 * @returns Whether it is in use now; false if it is absent or being purged.
 */
export function revive(ctx: Context, digest: Digest, repository?: string): boolean {
  const { tables } = ctx;
  const rows = closureOf(ctx, digest);
  if (!rows) return false;
  // Content first, so that nothing is a member before what it names is back.
  for (const row of rows.reverse()) {
    const reader = repository === undefined ? undefined : readerOf(ctx, repository, row.digest);
    const { size, generation } = row;
    tables.sql.dropCondemned.run(tables.id(row.digest));
    tables.setBlob({ digest: row.digest, size, generation, since: tables.now });
    const record = reader?.member && tables.anyRecord(row.digest);
    if (repository !== undefined && reader?.member && record) {
      addMember(ctx, repository, record, { own: false, absent: reader.member.absent });
    }
    tables.enqueue(row.digest);
  }
  return rows.length > 0 || tables.blob(digest) !== undefined;
}

/** The condemned rows of a digest and of what it names, itself first; `undefined` if one of them is being purged. */
function closureOf({ tables }: Context, digest: Digest): CondemnedRow[] | undefined {
  const rows = new Map<Digest, CondemnedRow>();
  const queue = [digest];
  for (const each of queue) {
    if (rows.has(each)) continue;
    const row = tables.condemned(each);
    if (!row) continue;
    if (row.purging) return undefined;
    rows.set(each, row);
    if (row.kind === "manifest") queue.push(...tables.digests(tables.sql.content.all(tables.id(each))));
  }
  return [...rows.values()];
}

/** Of what was condemned, only the repository that had it may have it back. */
export function mayBringBack(ctx: Context, repository: string, digest: Digest): boolean {
  return readerOf(ctx, repository, digest) !== undefined;
}

/** That a repository could read it, and as which member, if it was one. */
function readerOf(
  { tables }: Context,
  repository: string,
  digest: Digest,
): { readonly member: Member | undefined } | undefined {
  const at = tables.at(repository, digest);
  const row = at && (tables.sql.reader.get(at.id, at.repository) as { member: string | null } | undefined);
  return row && { member: memberOf(row.member) };
}

export function memberOf(text: string | null): Member | undefined {
  return text === null ? undefined : (JSON.parse(text) as Member);
}

export function memberText(member: Member | undefined): string | null {
  return member === undefined ? null : JSON.stringify(member);
}
