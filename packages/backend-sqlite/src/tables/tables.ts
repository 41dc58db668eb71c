import type { Digest, Edge, Located, ManifestRecord, Ms } from "@ocistore/core";
import { pack, unpack } from "../digests.ts";
import { Known } from "./known.ts";
import { KINDS, type Statements } from "./statements.ts";

/** That a manifest is in a repository. */
export interface Member {
  /** *Stored, and nothing has named it yet*: a root of its own. */
  readonly own: boolean;
  readonly pushed: Ms;
  /** What was declared missing when it was put here. */
  readonly absent?: readonly Digest[] | undefined;
}

/** Bytes out of use. */
export interface CondemnedRow {
  readonly digest: Digest;
  readonly size: number;
  readonly generation: string;
  readonly kind: "manifest" | "blob";
  readonly run: string;
  readonly until: Ms;
  /** Another one each time that something is condemned. */
  readonly mark: number;
  readonly purging: boolean;
}

/** A digest or a repository as it is in a row. */
export interface IdRow {
  readonly id: number;
}

const NONE: readonly never[] = [];

/** So many that name the same are read in one go; most of the time the first of them is enough. */
const FEW_PARENTS = 64;

interface NamingRow extends IdRow {
  readonly kind: number;
}

/**
 * The tables in the words of the contract. Ids stay inside; each is looked up once. Good for as long as nobody else changes
 * the tables: for one transaction, or for one question.
 */
export class Tables {
  readonly sql: Statements;
  readonly now: Ms;
  readonly #known: Known;

  /** @param known What earlier ones have met, if all of them see only what is committed. */
  constructor(sql: Statements, now: Ms, known = new Known()) {
    this.sql = sql;
    this.now = now;
    this.#known = known;
  }

  /** The number of a digest that is stored or named here. */
  id(digest: Digest): number | undefined {
    const known = this.#known.ids.get(digest);
    if (known !== undefined) return known;
    const row = this.sql.digestId.get(pack(digest)) as IdRow | undefined;
    if (row) this.#known.note(row.id, digest);
    return row?.id;
  }

  /** The same, and it has one from now on. */
  idFor(digest: Digest): number {
    const known = this.id(digest);
    if (known !== undefined) return known;
    const id = Number(this.sql.addDigest.run(pack(digest)).lastInsertRowid);
    this.#known.note(id, digest);
    return id;
  }

  digest(id: number): Digest {
    const known = this.#known.digests.get(id);
    if (known !== undefined) return known;
    return this.known(id, (this.sql.digest.get(id) as { digest: Uint8Array }).digest);
  }

  /** One whose bytes have been read together with its number. */
  known(id: number, bytes: Uint8Array): Digest {
    const known = this.#known.digests.get(id);
    if (known !== undefined) return known;
    const digest = unpack(bytes);
    this.#known.note(id, digest);
    return digest;
  }

  digests(rows: readonly unknown[]): Digest[] {
    return (rows as readonly IdRow[]).map(({ id }) => this.digest(id));
  }

  repositoryId(name: string): number | undefined {
    const known = this.#known.repositoryIds.get(name);
    if (known !== undefined) return known;
    const row = this.sql.repositoryId.get(name) as IdRow | undefined;
    if (row) this.#known.repositoryIds.set(name, row.id);
    return row?.id;
  }

  repositoryIdFor(name: string): number {
    const known = this.repositoryId(name);
    if (known !== undefined) return known;
    const id = Number(this.sql.addRepository.run(name).lastInsertRowid);
    this.#known.repositoryIds.set(name, id);
    return id;
  }

  repositoryName(id: number): string {
    const known = this.#known.repositories.get(id);
    if (known !== undefined) return known;
    const { name } = this.sql.repository.get(id) as { name: string };
    this.#known.repositories.set(id, name);
    return name;
  }

  /** Both numbers, if both have one. */
  at(repository: string, digest: Digest): { readonly repository: number; readonly id: number } | undefined {
    const repositoryId = this.repositoryId(repository);
    const id = repositoryId === undefined ? undefined : this.id(digest);
    return repositoryId === undefined || id === undefined ? undefined : { repository: repositoryId, id };
  }

  setting(key: string): string | undefined {
    return (this.sql.setting.get(key) as { value: string } | undefined)?.value;
  }

  setSetting(key: string, value: string): void {
    this.sql.setSetting.run(key, value);
  }

  blob(digest: Digest): Located | undefined {
    const id = this.id(digest);
    const row = id === undefined ? undefined : this.sql.blob.get(id);
    return row === undefined ? undefined : { digest, ...(row as Omit<Located, "digest">) };
  }

  setBlob({ digest, size, generation, since }: Located): void {
    this.sql.setBlob.run({ id: this.idFor(digest), size, generation, since });
  }

  dropBlob(digest: Digest): void {
    this.sql.dropBlob.run(this.id(digest));
  }

  /** Its grace begins now. */
  touch(digest: Digest): void {
    this.sql.touch.run(this.now, this.id(digest));
  }

  condemned(digest: Digest): CondemnedRow | undefined {
    const id = this.id(digest);
    const row = id === undefined ? undefined : this.sql.condemned.get(id);
    return row === undefined ? undefined : this.condemnedRow(row);
  }

  condemnedRow(row: unknown): CondemnedRow {
    const { id, is_manifest, purging, ...rest } = row as RawCondemned;
    return { digest: this.digest(id), kind: is_manifest ? "manifest" : "blob", purging: purging === 1, ...rest };
  }

  /** A manifest of a repository, with what was declared missing there. */
  record(repository: string, digest: Digest): ManifestRecord | undefined {
    const member = this.member(repository, digest);
    const record = member && this.anyRecord(digest);
    if (!record) return undefined;
    const { absent = NONE, pushed } = member;
    if (absent.length === 0) return { ...record, pushed };
    const edges = record.edges.map((edge) => (absent.includes(edge.to) ? { ...edge, optional: true as const } : edge));
    return { ...record, pushed, edges };
  }

  /** A manifest whose bytes are in use or condemned, whichever repository it is in, and if it is in none. */
  anyRecord(digest: Digest): ManifestRecord | undefined {
    const id = this.id(digest);
    const row = id === undefined ? undefined : (this.sql.manifest.get(id) as RawManifest | undefined);
    const placement = row && (this.blob(digest) ?? this.condemned(digest));
    if (!row || !placement) return undefined;
    const { size, generation } = placement;
    return {
      digest,
      size,
      generation,
      mediaType: this.type(row.media_type)!,
      artifactType: this.type(row.artifact_type),
      annotations: row.annotations === null ? undefined : Object.fromEntries(JSON.parse(row.annotations)),
      edges: this.edges(digest),
      pushed: row.pushed,
    };
  }

  /** What a manifest names that is in use or condemned. */
  edges(digest: Digest): Edge[] {
    const rows = this.sql.edges.all(this.id(digest)) as RawEdge[];
    return rows.map(({ target, kind, optional, media_type, size }) => {
      const mediaType = this.type(media_type);
      return {
        to: this.digest(target),
        kind: KINDS[kind]!,
        ...(mediaType !== undefined && { mediaType }),
        ...(size !== null && { size }),
        ...(optional && { optional: true as const }),
      };
    });
  }

  /** What a manifest is never changes, so what is known of it is written once. */
  addManifest(record: ManifestRecord): void {
    const id = this.idFor(record.digest);
    if (this.sql.manifest.get(id)) {
      this.sql.setPushed.run(record.pushed, id);
      return;
    }
    this.sql.addManifest.run({ ...this.#kindOf(record), id, pushed: record.pushed });
    this.#addEdges(id, record.edges);
  }

  /** Puts right what is known of one whose edges have been dropped. */
  mendManifest(record: ManifestRecord): void {
    const id = this.idFor(record.digest);
    this.sql.setManifest.run({ ...this.#kindOf(record), id });
    this.#addEdges(id, record.edges);
  }

  #kindOf({ mediaType, artifactType, annotations }: ManifestRecord) {
    return {
      mediaType: this.typeIdFor(mediaType),
      artifactType: artifactType === undefined ? null : this.typeIdFor(artifactType),
      annotations: annotations === undefined ? null : JSON.stringify(Object.entries(annotations)),
    };
  }

  #addEdges(id: number, edges: readonly Edge[]): void {
    for (const [place, edge] of edges.entries()) {
      this.sql.addEdge.run({
        manifest: id,
        place,
        target: this.idFor(edge.to),
        kind: KINDS.indexOf(edge.kind),
        optional: edge.optional ? 1 : 0,
        mediaType: edge.mediaType === undefined ? null : this.typeIdFor(edge.mediaType),
        size: edge.size ?? null,
      });
    }
  }

  /** Forgets what a manifest was and named, once its bytes are gone. */
  dropManifest(digest: Digest): void {
    this.sql.dropManifest.run(this.id(digest));
  }

  member(repository: string, digest: Digest): Member | undefined {
    const at = this.at(repository, digest);
    const row = at && (this.sql.member.get(at.repository, at.id) as RawMember | undefined);
    return row && { own: row.own === 1, pushed: row.pushed, absent: absentOf(row.absent) };
  }

  setMember(repository: string, digest: Digest, { own, pushed, absent = NONE }: Member): void {
    this.sql.setMember.run({
      repository: this.repositoryIdFor(repository),
      manifest: this.idFor(digest),
      own: own ? 1 : 0,
      pushed,
      absent: absent.length === 0 ? null : JSON.stringify(absent),
    });
  }

  setOwn(repository: string, digest: Digest, own: boolean): void {
    const at = this.at(repository, digest);
    if (at) this.sql.setOwn.run(own ? 1 : 0, at.repository, at.id);
  }

  /** The manifests of a repository that name it as content; read as far as they are gone through. */
  *contentParents(repository: string, digest: Digest): Generator<Digest> {
    const at = this.at(repository, digest);
    if (!at) return;
    for (let from = { kind: -1, after: 0 }; ; ) {
      const rows = this.sql.contentParents.all({ ...at, ...from, limit: FEW_PARENTS }) as NamingRow[];
      yield* this.digests(rows);
      const last = rows.at(-1);
      if (!last || rows.length < FEW_PARENTS) return;
      from = { kind: last.kind, after: last.id };
    }
  }

  /** The manifests of any repository that name it, in whatever way; read as far as they are gone through. */
  *naming(id: number): Generator<{ readonly repository: number } & IdRow> {
    for (let from = { kind: -1, after: 0 }; ; ) {
      const rows = this.sql.naming.all({ id, ...from, limit: FEW_PARENTS }) as NamingRow[];
      for (const row of rows) {
        for (const { repository } of this.sql.membersOf.all(row.id) as { repository: number }[]) {
          yield { repository, id: row.id };
        }
      }
      const last = rows.at(-1);
      if (!last || rows.length < FEW_PARENTS) return;
      from = { kind: last.kind, after: last.id };
    }
  }

  referrers(repository: string, digest: Digest): Digest[] {
    const at = this.at(repository, digest);
    return at ? this.digests(this.sql.referrers.all(at)) : [];
  }

  /** Of a member: what it refers to and what is stored in the same repository. */
  subjects(repository: string, digest: Digest): Digest[] {
    const at = this.at(repository, digest);
    return at ? this.digests(this.sql.subjects.all(at)) : [];
  }

  tag(repository: string, name: string): Digest | undefined {
    const id = this.repositoryId(repository);
    const row = id === undefined ? undefined : (this.sql.tag.get(id, name) as IdRow | undefined);
    return row && this.digest(row.id);
  }

  tagsOn(repository: string, digest: Digest): string[] {
    const at = this.at(repository, digest);
    return at ? (this.sql.tagsOn.all(at) as { name: string }[]).map(({ name }) => name) : [];
  }

  /** Bytes in use that a repository may read: what it is or names, and what is claimed in it. */
  visible(repository: string, digest: Digest): Located | undefined {
    const at = this.at(repository, digest);
    if (!at) return undefined;
    const isReadable =
      this.sql.member.get(at.repository, at.id) !== undefined ||
      this.sql.isContent.get(at) !== undefined ||
      this.isClaimed(repository, digest);
    return isReadable ? this.blob(digest) : undefined;
  }

  isClaimed(repository: string, digest: Digest): boolean {
    const at = this.at(repository, digest);
    return at !== undefined && this.sql.isClaimed.get(at.id, at.repository, this.now) !== undefined;
  }

  /**
   * Has it looked at: it may have become garbage. It is due when the grace is over that is counted from `since`; so each later
   * event puts that off, unless it begins no grace.
   */
  enqueue(digest: Digest, since: Ms = this.blob(digest)?.since ?? this.now): void {
    const id = this.id(digest);
    if (id !== undefined) this.sql.enqueue.run(id, since);
  }

  type(id: number | null): string | undefined {
    if (id === null) return undefined;
    const known = this.#known.types.get(id);
    if (known !== undefined) return known;
    const { name } = this.sql.type.get(id) as { name: string };
    this.#known.types.set(id, name);
    return name;
  }

  typeIdFor(name: string): number {
    return this.typeId(name) ?? Number(this.sql.addType.run(name).lastInsertRowid);
  }

  typeId(name: string): number | undefined {
    return (this.sql.typeId.get(name) as IdRow | undefined)?.id;
  }
}

function absentOf(text: string | null): readonly Digest[] | undefined {
  return text === null ? undefined : (JSON.parse(text) as Digest[]);
}

interface RawCondemned extends Omit<CondemnedRow, "digest" | "kind" | "purging"> {
  readonly id: number;
  readonly is_manifest: 0 | 1;
  readonly purging: 0 | 1;
}

interface RawManifest {
  readonly media_type: number;
  readonly artifact_type: number | null;
  readonly annotations: string | null;
  readonly pushed: Ms;
}

interface RawEdge {
  readonly target: number;
  readonly kind: number;
  readonly optional: 0 | 1;
  readonly media_type: number | null;
  readonly size: number | null;
}

interface RawMember {
  readonly own: 0 | 1;
  readonly pushed: Ms;
  readonly absent: string | null;
}
