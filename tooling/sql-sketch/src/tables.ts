import {
  type Condemned,
  type Digest,
  type Edge,
  type Located,
  type ManifestRecord,
  type Ms,
  OciStoreError,
} from "@ocistore/core";
import type { Statements } from "./statements.ts";

export interface CondemnedRow extends Condemned {
  readonly id: string;
  readonly purging: 0 | 1;
}

/** What the commands need of the tables, in the words of the contract. Call it inside a transaction. */
export class Tables {
  readonly sql: Statements;
  readonly now: Ms;

  constructor(sql: Statements, now: Ms) {
    this.sql = sql;
    this.now = now;
  }

  digests(statement: keyof Statements, ...arguments_: unknown[]): Digest[] {
    return (this.sql[statement].all(...arguments_) as { digest: Digest }[]).map(({ digest }) => digest);
  }

  blob(digest: Digest): Located | undefined {
    return this.sql.blob.get(digest) as Located | undefined;
  }

  condemned(digest: Digest): CondemnedRow | undefined {
    return this.sql.condemned.get(digest) as CondemnedRow | undefined;
  }

  record(digest: Digest): ManifestRecord | undefined {
    const row = this.sql.record.get(digest) as { body: string } | undefined;
    return row && (JSON.parse(row.body) as ManifestRecord);
  }

  isMember(repository: string, digest: Digest): boolean {
    return this.sql.member.get(repository, digest) !== undefined;
  }

  tagsOf(repository: string, digest: Digest): { name: string }[] {
    return this.sql.tagsOn.all(digest, repository) as { name: string }[];
  }

  held(digest: Digest | null): { repository: string; digest: Digest; why: "pin" | "claim"; name: string }[] {
    return this.sql.held.all({ digest, now: this.now }) as ReturnType<Tables["held"]>;
  }

  /** Bytes in use that a repository may read: what it is or names, and what is claimed in it. */
  visible(repository: string, digest: Digest): Located | undefined {
    const isReadable =
      this.isMember(repository, digest) ||
      this.sql.contentParents.get(digest, repository) !== undefined ||
      this.held(digest).some((held) => held.why === "claim" && held.repository === repository);
    return isReadable ? this.blob(digest) : undefined;
  }

  hold(owner: string, repository: string, digest: Digest, until: Ms): void {
    const before = this.sql.owner.get(owner) as { until: Ms } | undefined;
    // What has run out does not come back by a new claim.
    if (before && before.until <= this.now) this.sql.dropClaims.run(owner);
    this.sql.putOwner.run(owner, before && before.until > this.now ? Math.max(until, before.until) : until);
    this.sql.putClaim.run(digest, repository, owner);
  }

  touch(digest: Digest): void {
    this.sql.touch.run(this.now, digest);
  }

  addMember(repository: string, record: ManifestRecord, own: boolean): void {
    this.sql.putRecord.run(record.digest, JSON.stringify(record));
    for (const { to, kind } of record.edges) this.sql.putEdge.run(record.digest, to, kind);
    this.sql.putMember.run(repository, record.digest, own ? 1 : 0);
  }

  removeMember(repository: string, digest: Digest): void {
    for (const { name } of this.tagsOf(repository, digest)) this.sql.dropTag.run(repository, name);
    this.sql.dropMember.run(repository, digest);
  }

  /** Brings condemned bytes back with all that they name; false if any of it is being purged, or it is absent. */
  revive(digest: Digest, repository?: string): boolean {
    const rows = new Map<Digest, CondemnedRow>();
    const queue = [digest];
    for (const each of queue) {
      const row = this.condemned(each);
      if (!row || rows.has(each)) continue;
      if (row.purging) return false;
      rows.set(each, row);
      queue.push(...this.digests("content", each));
    }
    for (const [each, { size, generation }] of rows) {
      this.sql.dropCondemned.run(each);
      this.sql.putBlob.run({ digest: each, size, generation, since: this.now });
      const reader = this.sql.reader.get(each, repository ?? null) as { member: number } | undefined;
      if (repository !== undefined && reader?.member) this.addMember(repository, this.record(each)!, false);
      this.sql.dropReaders.run(each);
    }
    return this.blob(digest) !== undefined;
  }

  /** The same for a repository that had it, which is then the one that may read it. */
  broughtBack(repository: string, digest: Digest): boolean {
    if (!this.condemned(digest) || !this.sql.reader.get(digest, repository)) return false;
    return this.revive(digest, repository);
  }

  /**
   * Required content that is not stored, at any depth below a manifest. What is condemned comes back: to a member of the
   * repository all that it names, to one that is to become a member (its edges are given) only what the repository had.
   */
  missingBelow(repository: string, digest: Digest, arriving?: readonly Edge[]): Digest[] {
    const missing: Digest[] = [];
    for (const { to, kind, optional } of arriving ?? this.record(digest)?.edges ?? []) {
      if (optional || kind === "subject" || kind === "opaque") continue;
      const mayRevive = !arriving || this.sql.reader.get(to, repository) !== undefined;
      const isBack = mayRevive && this.condemned(to) && this.revive(to, repository) && kind !== "manifest";
      const isHere = kind === "manifest" ? this.isMember(repository, to) : isBack || this.visible(repository, to);
      if (!isHere) missing.push(to);
      else if (kind === "manifest" && this.missingBelow(repository, to).length > 0) missing.push(to);
    }
    return missing;
  }

  /** Bytes that are no manifest of this repository are whole in themselves. */
  mustBeWhole(repository: string, digest: Digest): void {
    if (!this.isMember(repository, digest)) return;
    const digests = this.missingBelow(repository, digest);
    if (digests.length > 0) throw missing(digest, digests);
  }
}

export function missing(digest: Digest, digests: readonly Digest[]): OciStoreError {
  return new OciStoreError("MISSING_CONTENT", `${digest} needs ${digests.join(", ")}`, { digest, digests });
}

export function notFound(reference: string): OciStoreError {
  return new OciStoreError("NOT_FOUND", `${reference} is not stored here`, { reference });
}

export function inUse(digest: Digest, holders: readonly string[]): OciStoreError {
  return new OciStoreError("IN_USE", `${digest} is held by ${holders.join(", ")}`, { digest, holders });
}
