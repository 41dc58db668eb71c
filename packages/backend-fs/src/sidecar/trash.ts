import { dirname } from "node:path";
import {
  algorithmOf,
  type CondemnedRow,
  createHasher,
  type Digest,
  field,
  isDigest,
  isJsonObject,
  isMediaType,
  type JsonObject,
  type JsonValue,
  type Membership,
  type Ms,
  type Run,
} from "@ocistore/core";
import type { Directories } from "../files/durable.ts";
import { hasCode, toOciStoreError } from "../files/errors.ts";
import type { FileSystem } from "../files/file-system.ts";
import { entriesOf, regular, unlinkIfThere } from "../files/listing.ts";
import { readChunks } from "../files/read.ts";
import { isSafeName, type Paths, trashGeneration } from "../layout/paths.ts";
import { damaged, readDigest, readJsonFile, replaceOurs } from "./json-file.ts";

// Condemned is what lies in `.ocistore/trash/<run>/`, and nothing else is: the move is the mark. Beside it lies `run.json`,
// which says when the run was, until when its files stay, and what it took out of index.json. It is durable before
// index.json is replaced, so whatever a crash leaves behind can be undone or finished.

const TRASHED = /^([a-z0-9]+)-([0-9a-f]+)\.(\d{1,15})\.(manifest|blob)$/;

export interface Trash {
  readonly condemned: Map<Digest, CondemnedRow>;
  readonly runs: Map<string, Run>;
}

/** @param hold How long the files of a run stay that has no record of its own, from when the last of them came or went. */
export async function readTrash(fs: FileSystem, paths: Paths, hold: Ms): Promise<Trash> {
  const trash: Trash = { condemned: new Map(), runs: new Map() };
  for (const id of await runsOf(fs, paths)) {
    const record = await readRun(fs, paths, id);
    const at = record?.at ?? (await fs.lstat(paths.run(id)))?.modified ?? 0;
    // One that died before its record, or between that and its directory when it was forgotten, has to be cleared away too.
    trash.runs.set(id, record ?? { at, until: at, tags: [], manifests: [] });
    for (const entry of await entriesOf(fs, paths.run(id))) {
      const [, algorithm, encoded, size, kind] = TRASHED.exec(entry.name) ?? [];
      const digest = `${algorithm}:${encoded}`;
      if (entry.kind !== "file" || !isDigest(digest) || (kind !== "manifest" && kind !== "blob")) continue;
      trash.condemned.set(digest, {
        digest,
        size: Number(size),
        generation: trashGeneration(id, kind),
        run: id,
        until: record?.until ?? at + hold,
        kind,
        id: `${id}/${digest}`,
        purging: false,
        repositories: new Map(),
      });
    }
  }
  return trash;
}

export async function writeRun(
  fs: FileSystem,
  paths: Paths,
  directories: Directories,
  id: string,
  { at, until, tags, manifests, marks = [], absent = [], entries = [] }: Run,
): Promise<void> {
  await directories.ensure(paths.trash, paths.run(id));
  const json: JsonObject = {
    at,
    until,
    tags: tags.map(({ name, digest }) => ({ name, digest })),
    manifests: manifests.map(({ digest, membership }) => memberOf(digest, membership)),
    ...(marks.length > 0 && { marks: marks.map(({ digest, membership }) => memberOf(digest, membership)) }),
    ...(absent.length > 0 && { absent }),
    ...(entries.length > 0 && { entries: entries as readonly JsonValue[] }),
  };
  await replaceOurs(fs, paths.runRecord(id), paths.fresh("run.json"), json);
}

function memberOf(digest: Digest, membership: Membership | undefined): JsonObject {
  if (!membership) return { digest };
  const { mediaType, size, artifactType, own } = membership;
  return { digest, mediaType, size, ...(artifactType && { artifactType }), ...(own !== undefined && { own }) };
}

/** Out of use: from its final name into the trash. Both directories are synced by {@link syncMoves}. */
export async function moveToTrash(fs: FileSystem, paths: Paths, row: CondemnedRow): Promise<void> {
  await move(fs, paths.blob(row.digest), paths.placed(row));
}

/**
 * Back in use. What was erased already stays away; what has been pushed anew meanwhile stays, if it is what its name says: a
 * tool that died while it was writing must not cost the copy that is whole.
 */
export async function moveBack(fs: FileSystem, paths: Paths, row: CondemnedRow): Promise<void> {
  const isKept = (await fs.lstat(paths.blob(row.digest))) && (await isSound(fs, paths, row));
  if (isKept) await unlinkIfThere(fs, paths.placed(row));
  else await move(fs, paths.placed(row), paths.blob(row.digest));
}

/** Read only where two copies lie side by side. One that cannot be read is nobody's to replace. */
async function isSound(fs: FileSystem, paths: Paths, { digest }: CondemnedRow): Promise<boolean> {
  if (!(await regular(fs, paths.blob(digest)))) return true;
  const hasher = createHasher(algorithmOf(digest));
  for await (const chunk of readChunks(fs, paths.blob(digest))) hasher.update(chunk);
  return hasher.digest() === digest;
}

/** What is not there (any more) need not be moved: a crash lay between, or somebody else has erased it. */
async function move(fs: FileSystem, from: string, to: string): Promise<void> {
  try {
    await fs.rename(from, to);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || !(await fs.lstat(dirname(to))))
      throw toOciStoreError(error, "move the blob", from);
  }
}

export async function syncMoves(fs: FileSystem, paths: Paths, rows: readonly CondemnedRow[]): Promise<void> {
  const directories = new Set(rows.flatMap((row) => [dirname(paths.blob(row.digest)), paths.run(row.run)]));
  for (const directory of directories) {
    if (await fs.lstat(directory)) await fs.syncDirectory(directory);
  }
}

/** Forgets a run of which nothing is left. */
export async function dropRun(fs: FileSystem, paths: Paths, id: string): Promise<void> {
  await unlinkIfThere(fs, paths.runRecord(id));
  try {
    await fs.rmdir(paths.run(id));
  } catch (error) {
    // Something lies in it that is not ours to judge.
    if (!hasCode(error, "ENOENT", "ENOTEMPTY", "EEXIST")) throw error;
  }
}

async function runsOf(fs: FileSystem, { trash }: Paths): Promise<string[]> {
  const runs = (await entriesOf(fs, trash)).filter(({ name, kind }) => kind === "directory" && isSafeName(name));
  return runs.map(({ name }) => name).sort();
}

/** @throws `LAYOUT_INVALID` if it is damaged, `UNSUPPORTED` if a newer ocistore wrote it. */
export async function readRun(fs: FileSystem, paths: Paths, id: string): Promise<Run | undefined> {
  const path = paths.runRecord(id);
  const json = await readJsonFile(fs, path);
  if (!json) return undefined;
  const [at, until] = ["at", "until"].map((name) => field(json, name));
  if (!isTime(at) || !isTime(until)) throw damaged(path);
  const list = (name: string, isOptional = false): readonly JsonValue[] => {
    const value = field(json, name) ?? (isOptional ? [] : undefined);
    if (!Array.isArray(value)) throw damaged(path);
    return value;
  };
  const objects = (name: string, isOptional = false) =>
    list(name, isOptional).map((each) => {
      if (!isJsonObject(each)) throw damaged(path);
      return { each, repository: "", digest: readDigest(field(each, "digest"), path) };
    });
  return {
    at,
    until,
    tags: objects("tags").map(({ each, ...tag }) => {
      const name = field(each, "name");
      if (typeof name !== "string" || name === "") throw damaged(path);
      return { ...tag, name };
    }),
    manifests: objects("manifests").map(({ each, ...rest }) => {
      const membership = membershipIn(each, at, path);
      if (!membership) throw damaged(path);
      return { ...rest, membership };
    }),
    marks: objects("marks", true).map(({ each, ...rest }) => ({ ...rest, membership: membershipIn(each, at, path) })),
    absent: list("absent", true).map((digest) => readDigest(digest, path)),
    entries: list("entries", true),
  };
}

/** `undefined` of what was not listed. */
function membershipIn(json: JsonObject, pushed: number, path: string): Membership | undefined {
  const [mediaType, size, artifactType, own] = ["mediaType", "size", "artifactType", "own"].map((name) =>
    field(json, name),
  );
  if (mediaType === undefined && size === undefined) return undefined;
  // It becomes an entry of index.json again, and a wrong one there would stop every deletion.
  if (typeof mediaType !== "string" || !isMediaType(mediaType) || !isTime(size)) throw damaged(path);
  return {
    mediaType,
    size,
    artifactType: typeof artifactType === "string" ? artifactType : undefined,
    own: typeof own === "boolean" ? own : undefined,
    pushed,
  };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
