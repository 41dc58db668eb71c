import { recordOf } from "../catalog/record.ts";
import type { ManifestRecord } from "../contract/catalog.ts";
import type { Signal } from "../contract/environment.ts";
import type { Finding } from "../contract/finding.ts";
import type { Placement } from "../contract/placement.ts";
import { isOciStoreError } from "../errors.ts";
import { algorithmOf, createHasher, type Digest } from "../model/digest.ts";
import { parseManifest } from "../model/manifest.ts";
import type { Parts } from "./parts.ts";

/**
 * A catalog that keeps its record apart from the bytes, against them: each row has its bytes, all bytes have a row, and a manifest names
 * what the catalog takes it to name.
 *
 * @param o.told What has been found to be missing, or not recorded, where it is named.
 */
export async function* checkRecord(
  parts: Parts,
  o: Signal & { readonly fast?: boolean | undefined; readonly told: ReadonlySet<Digest> },
): AsyncGenerator<Finding> {
  const { catalog, blobs } = parts;
  if (!catalog.audit) return;
  const told = new Set(o.told);
  for await (const finding of catalog.audit(blobs, o)) {
    const { code, digest } = finding;
    if (digest === undefined || code === "size" || code === "listing" || !o.told.has(digest)) yield finding;
    if (code === "unrecorded" && digest !== undefined) told.add(digest);
  }
  if (!o.fast) yield* checkLinks(parts, o);
  yield* checkUnrecorded(parts, { signal: o.signal, told });
}

/** A link that the catalog lacks is content that a collection would take; one too many is content that none would. */
async function* checkLinks(parts: Parts, o: Signal): AsyncGenerator<Finding> {
  const graph = await parts.catalog.graph(o);
  for await (const { repository, digest, record } of graph.manifests(o)) {
    o.signal?.throwIfAborted();
    const said = await recordIn(parts, record, o);
    if (!said || isSame(said, record)) continue;
    const message = "the catalog has other links of this manifest than its bytes";
    yield { level: "error", code: "edges", digest, repository, message };
  }
}

/** What the bytes say; nothing of bytes that are damaged or gone, which are found as that. */
async function recordIn(
  { blobs }: Parts,
  record: ManifestRecord,
  o: Signal,
): Promise<Pick<ManifestRecord, "edges" | "artifactType"> | undefined> {
  const hasher = createHasher(algorithmOf(record.digest));
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of blobs.read(record, o)) {
      hasher.update(piece);
      pieces.push(piece);
    }
    if (hasher.digest() !== record.digest) return undefined;
    return recordOf(parseManifest(joined(pieces), record.mediaType), record, record.pushed);
  } catch (error) {
    o.signal?.throwIfAborted();
    if (isOciStoreError(error)) return undefined;
    throw error;
  }
}

function isSame(a: Pick<ManifestRecord, "edges" | "artifactType">, b: typeof a): boolean {
  const linksOf = ({ edges }: typeof a) => edges.map(({ to, kind }) => `${kind} ${to}`).sort();
  const [mine, theirs] = [linksOf(a), linksOf(b)];
  return (
    a.artifactType === b.artifactType && mine.length === theirs.length && mine.every((each, at) => each === theirs[at])
  );
}

/** Looked at twice: bytes come to their name just before their row is there to be seen, and leave it just before that goes. */
async function* checkUnrecorded(
  parts: Parts,
  o: Signal & { readonly told: ReadonlySet<Digest> },
): AsyncGenerator<Finding> {
  const { catalog, blobs } = parts;
  let suspects: Placement[] = [];
  for await (const located of blobs.list(o)) {
    o.signal?.throwIfAborted();
    const row = await catalog.locate(undefined, located.digest, o);
    if (row?.generation !== located.generation && !o.told.has(located.digest)) suspects.push(located);
  }
  if (suspects.length === 0) return;
  const condemned = new Set<string>();
  for await (const each of catalog.condemned(o)) condemned.add(`${each.digest} ${each.generation}`);
  suspects = suspects.filter(({ digest, generation }) => !condemned.has(`${digest} ${generation}`));
  for (const suspect of suspects) {
    const { digest, generation } = suspect;
    const row = await catalog.locate(undefined, digest, o);
    if (row?.generation === generation || !(await blobs.stat(suspect, o))) continue;
    yield { level: "warning", code: "unrecorded", digest, message: "the catalog does not know of these bytes" };
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
