import {
  type BlobStore,
  type Digest,
  type Environment,
  isDamage,
  isManifestType,
  type ManifestRecord,
  type Signal,
} from "@ocistore/core";
import type { Context } from "../commands/context.ts";
import { addMember } from "../commands/members.ts";
import { closureOf, readRecord } from "../projection/closure.ts";
import { takeInManifests } from "../projection/take-in.ts";
import { LAYOUT } from "../projection/wanted.ts";
import type { IdRow, Tables } from "../tables/tables.ts";
import type { Losses } from "./copy-rows.ts";

export interface Mending extends Signal {
  readonly blobs: BlobStore;
  readonly env: Environment;
  write<T>(command: (tables: Tables) => T | Promise<T>): Promise<T>;
}

const PAGE = 100;

/** What manifests name, by their bytes; those whose bytes are damaged or gone name what they named. */
export async function mendManifests(mending: Mending, onDone: () => void): Promise<void> {
  const { write } = mending;
  for (let after = 0; ; ) {
    const page = await write((tables) => {
      const rows = tables.sql.manifestsAfter.all(after, PAGE) as IdRow[];
      return rows.map(({ id }) => ({ id, record: tables.anyRecord(tables.digest(id)) }));
    });
    for (const { record } of page) {
      if (!record) continue;
      await mendManifest(mending, record);
      onDone();
    }
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}

async function mendManifest(mending: Mending, known: ManifestRecord): Promise<void> {
  const { write, blobs } = mending;
  const said = await soundly(() => readRecord(blobs, known.digest, known.mediaType, false, mending));
  const record = said ?? known;
  if (said) {
    await write((tables) => {
      if (!isSame(said, known)) {
        const id = tables.id(said.digest);
        tables.sql.dropEdges.run(id);
        tables.sql.dropReferrers.run(id);
        tables.mendManifest(said);
      }
      relist(tables, { ...said, pushed: known.pushed });
    });
  }
  // What is no member has no children.
  const children = await write((tables) => (tables.member(LAYOUT, known.digest) ? unknownIn(tables, record) : []));
  for (const child of children) await takeIn(mending, child);
}

/** In the list of what refers to its subject, wherever it is a member. */
function relist(tables: Tables, record: ManifestRecord): void {
  for (const { repository: id } of tables.sql.membersOf.all(tables.id(record.digest)) as { repository: number }[]) {
    const repository = tables.repositoryName(id);
    const member = tables.member(repository, record.digest)!;
    addMember({ tables }, repository, { ...record, pushed: member.pushed }, member);
  }
}

function isSame(a: ManifestRecord, b: ManifestRecord): boolean {
  const text = ({ edges, artifactType }: ManifestRecord) =>
    JSON.stringify([artifactType ?? null, edges.map(({ to, kind, size, mediaType }) => [to, kind, size, mediaType])]);
  return text(a) === text(b);
}

type Named = { readonly digest: Digest; readonly mediaType?: string | undefined };

/** What it names as manifests, and what refers to it is one of those, that nobody knows to be any. */
function unknownIn(tables: Tables, { edges }: ManifestRecord): Named[] {
  return edges.flatMap(({ to, kind, mediaType }) => {
    const isOne = kind === "manifest" || kind === "subject" || (mediaType !== undefined && isManifestType(mediaType));
    return isOne && kind !== "layer" && kind !== "config" && !tables.member(LAYOUT, to)
      ? [{ digest: to, mediaType }]
      : [];
  });
}

/** @returns Whether it is a manifest of the layout now. */
async function takeIn({ write, blobs, env, signal }: Mending, named: Named): Promise<boolean> {
  // All of it is read: what the old catalog knew of it may be wrong.
  const known = () => undefined;
  const records = await soundly(() => closureOf(named, { blobs, known }, { signal }));
  if (!records) return false;
  await write((tables) => takeInManifests(contextOf(tables, env), blobs, records));
  return true;
}

/** Tags whose manifests the old catalog did not know any more. */
export async function takeInTags(mending: Mending, tags: Losses["tags"]): Promise<void> {
  for (const { repository, name, manifest } of tags) {
    const digest = await mending.write((tables) => digestOf(tables, manifest));
    if (!digest || !(await takeIn(mending, { digest }))) continue;
    await mending.write((tables) => void tables.sql.setTag.run(repository, name, manifest));
  }
}

function digestOf(tables: Tables, id: number): Digest | undefined {
  return tables.sql.digest.get(id) === undefined ? undefined : tables.digest(id);
}

/** `undefined` of what is damaged: it stays as it is known, and a check finds it. */
async function soundly<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function contextOf(tables: Tables, env: Environment): Context {
  return { tables, before: tables, env, fixedNames: true, pause: async () => {} };
}
