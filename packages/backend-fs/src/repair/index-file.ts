import {
  algorithmOf,
  type Digest,
  type DigestAlgorithm,
  digestOf,
  type Finding,
  field,
  isDigest,
  isManifestType,
  isOciStoreError,
  type JsonObject,
  type JsonValue,
  MANIFEST_LIMIT,
  OciStoreError,
  parseJson,
  parseManifest,
} from "@ocistore/core";
import { createFile } from "../files/durable.ts";
import { regular } from "../files/listing.ts";
import { readWhole } from "../files/read.ts";
import { DAMAGED, INDEX_LIMIT, IndexDocument, OWN, readEntry } from "../layout/index-document.ts";
import { whole } from "../layout/torn.ts";
import { type Bench, damageOf } from "./bench.ts";
import { type Harvest, harvest } from "./found-manifests.ts";
import { salvage } from "./salvage.ts";

export async function mendIndex(bench: Bench): Promise<void> {
  const read = await readIndex(bench);
  if (read.json) await mendEntries(bench, read.json);
  else await rebuild(bench, read);
}

interface ReadIndex {
  readonly bytes: Uint8Array | undefined;
  /** If it is an image index. */
  readonly json?: JsonObject | undefined;
  readonly error?: unknown;
}

async function readIndex({ fs, paths, env, signal }: Bench): Promise<ReadIndex> {
  let bytes: Uint8Array | undefined;
  let json: JsonObject | undefined;
  const error = await damageOf(() =>
    whole(
      async () => {
        bytes = await readWhole(fs, paths.index, INDEX_LIMIT);
        if (!bytes) throw new OciStoreError("LAYOUT_INVALID", "there is no index.json");
        IndexDocument.parse(bytes, {});
        json = parseJson(bytes, { maxBytes: INDEX_LIMIT }) as JsonObject;
      },
      env,
      { signal },
    ),
  );
  return { bytes, json, error };
}

/**
 * From what is left of the file, to the letter, and from the manifests that are stored and that nothing names. Each of those
 * becomes a root, so that nothing of it goes unless somebody says so; and so does what may have been a manifest, since only
 * it knows what it named.
 */
async function rebuild(bench: Bench, { bytes, error }: ReadIndex): Promise<void> {
  const { fs, paths } = bench;
  const saved = bytes ? salvage(bytes, (each) => typeof readEntry(each) !== "string") : [];
  const { roots, all, doubtful } = await harvest(bench);
  const listed = new Set(saved.map((each) => field(each, "digest")));
  const added = roots.filter(({ digest }) => !listed.has(digest));
  const tags = saved.filter((each) => nameIn(each) !== undefined).length;
  const entries: JsonValue[] = [
    ...saved,
    ...added.map(
      ({ digest, size, mediaType, artifactType }): JsonObject => ({
        mediaType,
        digest,
        size,
        ...(artifactType !== undefined && { artifactType }),
        annotations: { [OWN]: "true" },
      }),
    ),
    ...[...doubtful]
      .filter(([digest]) => !listed.has(digest))
      .sort()
      .map(([digest, size]): JsonObject => ({ mediaType: DAMAGED, digest, size, annotations: { [OWN]: "true" } })),
  ];
  const next = encoded({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: entries });
  const path = paths.index;
  const message = error instanceof Error ? error.message : "there is no index.json";
  const aside = bytes ? "set aside, and " : "";
  const how = `${aside}made anew: ${tags} tags and ${saved.length - tags} other entries could still be read, ${added.length} of ${all.size} stored manifests are roots without a tag`;
  await bench.mend({ level: "error", code: "layout", path, message }, how, async () => {
    if (bytes) await bench.replace(path, next);
    else await createFile(fs, path, next, { temp: paths.fresh("index.json") });
  });
  const lost =
    "tags may be lost: `ls` shows what has none, tag it again; until then no collection takes it, unless it is asked for";
  if (bench.mode === "look") return;
  bench.note({ level: "warning", code: "layout", path, message: lost });
  const unknown =
    "nobody can tell whether these bytes were a manifest: nothing is collected until they are sound, or given up by their digest";
  for (const digest of [...doubtful.keys()].sort()) {
    bench.note({ level: "warning", code: "layout", path, digest, message: unknown });
  }
}

/** Entries that say something else than the bytes they are about, and entries that are there twice. */
async function mendEntries(bench: Bench, json: JsonObject): Promise<void> {
  const { paths } = bench;
  const before = (field(json, "manifests") ?? []) as readonly JsonValue[];
  const entries: JsonValue[] = [];
  const seen = new Set<string>();
  let found: Harvest | undefined;
  const mended: { readonly finding: Finding; readonly how: string }[] = [];
  for (const [at, raw] of before.entries()) {
    const read = readEntry(raw);
    const text = JSON.stringify(raw);
    if (typeof read === "string") {
      const message = `entry ${at} of index.json ${read}: nothing is deleted while it is there; take it out by hand`;
      bench.note({ level: "error", code: "layout", path: paths.index, message });
      entries.push(raw);
    } else if (seen.has(text)) {
      const message = `entry ${at} of index.json is there twice`;
      mended.push({ finding: about(bench, read.digest, message), how: "one of them is gone" });
    } else if (read.membership.mediaType === DAMAGED) {
      found ??= await harvest(bench);
      const clear = clearOf(raw as JsonObject, read, found);
      if (clear !== undefined) entries.push(clear);
      if (clear === raw) continue;
      const message = "a repair could not tell what these bytes were";
      const how = clear ? "it is known again" : "they are no manifest, so the entry is gone";
      mended.push({ finding: { ...about(bench, read.digest, message), level: "note" }, how });
    } else {
      const truth = await truthOf(bench, { ...read.membership, digest: read.digest });
      entries.push({ ...(raw as JsonObject), ...truth });
      for (const [name, value] of Object.entries(truth)) {
        const message = `index.json says its ${name} is ${JSON.stringify(field(raw as JsonObject, name) ?? null)}`;
        mended.push({ finding: about(bench, read.digest, message), how: `it is ${JSON.stringify(value)} now` });
      }
    }
    seen.add(text);
  }
  const next = encoded({ ...json, manifests: entries });
  for (const [at, { finding, how }] of mended.entries()) {
    await bench.mend(finding, how, async () => {
      if (at === 0) await bench.replace(paths.index, next);
    });
  }
}

/** What becomes of an entry for bytes of which nobody could tell what they were. */
function clearOf(
  raw: JsonObject,
  { digest, name }: { readonly digest: Digest; readonly name: string | undefined },
  { all, settled }: Harvest,
): JsonObject | undefined {
  const manifest = all.get(digest);
  if (!manifest) return settled.has(digest) && name === undefined ? undefined : raw;
  const { size, mediaType, artifactType } = manifest;
  return { ...raw, size, mediaType, ...(artifactType !== undefined && { artifactType }) };
}

function about({ paths }: Bench, digest: Digest, message: string): Finding {
  return { level: "warning", code: "layout", path: paths.index, digest, message };
}

/** The fields that the bytes deny; of bytes that are absent, damaged or large nothing is said. */
async function truthOf(
  { fs, paths }: Bench,
  { digest, size, mediaType }: { readonly digest: Digest; readonly size: number; readonly mediaType: string },
): Promise<Record<string, string | number>> {
  const stat = isDigest(digest) ? await regular(fs, paths.blob(digest)) : undefined;
  if (!stat || stat.size > MANIFEST_LIMIT) return {};
  const bytes = await readWhole(fs, paths.blob(digest), MANIFEST_LIMIT);
  if (!bytes || digestOf(bytes, algorithmOf(digest) as DigestAlgorithm) !== digest) return {};
  const type = typeOf(bytes, mediaType);
  return { ...(bytes.length !== size && { size: bytes.length }), ...(type !== undefined && { mediaType: type }) };
}

/** Another type, if the bytes say that they are a manifest of it, and cannot be what the entry says. */
function typeOf(bytes: Uint8Array, said: string): string | undefined {
  try {
    const itself = parseManifest(bytes).mediaType;
    if (!isManifestType(itself) || itself === said.toLowerCase()) return undefined;
    return isA(bytes, said) ? undefined : itself;
  } catch (error) {
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
}

function isA(bytes: Uint8Array, mediaType: string): boolean {
  try {
    return parseManifest(bytes, mediaType).kind !== "opaque";
  } catch (error) {
    if (isOciStoreError(error)) return false;
    throw error;
  }
}

function nameIn(entry: JsonObject): string | undefined {
  const read = readEntry(entry);
  return typeof read === "string" ? undefined : read.name;
}

function encoded(json: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}
