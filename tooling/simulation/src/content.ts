import { createHash } from "node:crypto";
import {
  type Descriptor,
  type Digest,
  digestOf,
  type ManifestBytes,
  type Packed,
  packIndex,
  packManifest,
  type Session,
} from "@ocistore/core";

const text = (content: string) => new TextEncoder().encode(content);

/** Layers; `shared` is in several images. */
export const BLOBS = {
  shared: text("a layer that several images share"),
  one: text("layer one"),
  two: text("layer two"),
  three: text("layer three"),
  four: text("layer four"),
  signed: text("a signature"),
} as const;

export type BlobName = keyof typeof BLOBS;

export interface Document {
  readonly name: string;
  /** As a session takes it. */
  readonly content: Packed | ManifestBytes;
  readonly descriptor: Descriptor;
  readonly digest: Digest;
  readonly blobs: readonly BlobName[];
  /** Of an index: pushed before it, by digest. */
  readonly children: readonly Document[];
  readonly subject?: Document | undefined;
}

function image(name: string, blobs: readonly BlobName[], subject?: Document): Document {
  const content = packManifest({
    artifactType: `application/vnd.example.${name}`,
    layers: blobs.map(layer),
    ...(subject && { subject: subject.descriptor }),
  });
  return {
    name,
    content,
    descriptor: content.descriptor,
    digest: content.descriptor.digest,
    blobs,
    children: [],
    subject,
  };
}

function index(name: string, children: readonly Document[]): Document {
  const content = packIndex({ manifests: children.map(({ descriptor }) => descriptor), annotations: { name } });
  return { name, content, descriptor: content.descriptor, digest: content.descriptor.digest, blobs: [], children };
}

/** Of a type that nobody knows. It mentions a layer, and so may need it. */
function unknown(name: string, blob: BlobName): Document {
  const mediaType = "application/vnd.example.unknown+json";
  const bytes = text(JSON.stringify({ schemaVersion: 2, mediaType, mentions: [{ digest: blobDigest(blob) }] }));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { name, content: { bytes, mediaType }, descriptor, digest: descriptor.digest, blobs: [blob], children: [] };
}

/** Indexes over indexes: each level has two, and each names both of the level below. `2 ** levels` paths lead down. */
function diamonds(levels: number): Document {
  let below = [image("left0", ["one"]), image("right0", ["two"])];
  for (let level = 1; level < levels; level++) {
    below = [index(`left${level}`, below), index(`right${level}`, below)];
  }
  return index("top", below);
}

function layer(name: BlobName): Descriptor {
  return { mediaType: "application/vnd.example.layer", digest: digestOf(BLOBS[name]), size: BLOBS[name].length };
}

const a = image("a", ["shared", "one"]);
const b = image("b", ["shared", "two"]);
const c = image("c", ["three"]);
const i = index("i", [a, b]);
const j = index("j", [b, c]);
const n = index("n", [i]);
const sa = image("sa", ["signed"], a);
const si = image("si", ["signed"], i);
const sc = image("sc", ["signed"], c);
const u = unknown("u", "four");

/** A graph that is small, and has in it what graphs can have. */
export const DOCUMENTS = { a, b, c, i, j, n, sa, si, sc, u };

/** 40 levels deep. */
export const TOP = diamonds(40);

/** What nobody ever takes away, one for each process; it shares its layers with what is. */
export const KEPT = [0, 1, 2, 3].map((number) =>
  image(`kept${number}`, ["shared", number % 2 === 0 ? "one" : "three"]),
);

/** Another referrer of the same. */
export const SECOND = image("second", ["signed"], c);

const ALL = [...new Set([...Object.values(DOCUMENTS), ...KEPT, TOP, SECOND].flatMap((document) => below(document)))];
const BY_DIGEST = new Map(ALL.map((document) => [document.digest, document]));

/** For the trace: names in place of digests. */
export const NAMES: ReadonlyMap<string, string> = new Map([
  ...ALL.map(({ digest, name }): [string, string] => [digest.slice(7), name]),
  ...Object.entries(BLOBS).map(([name, bytes]): [string, string] => [digestOf(bytes).slice(7), name]),
  [createHash("sha256").update("{}").digest("hex"), "empty"],
]);

function below(document: Document, found = new Set<Document>()): Document[] {
  if (found.has(document)) return [];
  found.add(document);
  for (const child of document.children) below(child, found);
  return [...found];
}

export function documentOf(digest: Digest): Document | undefined {
  return BY_DIGEST.get(digest);
}

export function blobDigest(name: BlobName): Digest {
  return digestOf(BLOBS[name]);
}

/** Everything below a document, itself included, with its bytes. */
export function closureOf(document: Document, closure = new Map<Digest, Uint8Array>()): Map<Digest, Uint8Array> {
  if (closure.has(document.digest)) return closure;
  closure.set(document.digest, document.content.bytes);
  for (const name of document.blobs) closure.set(blobDigest(name), BLOBS[name]);
  const brought = "blobs" in document.content ? document.content.blobs : [];
  for (const { bytes, descriptor } of brought) closure.set(descriptor.digest, bytes);
  for (const child of document.children) closureOf(child, closure);
  return closure;
}

/** Children first, by digest; then itself with its tags, as every client does. */
export async function put(session: Session, document: Document, tags: readonly string[]): Promise<void> {
  await putAll(session, document, tags, new Set());
}

async function putAll(
  session: Session,
  document: Document,
  tags: readonly string[],
  done: Set<Document>,
): Promise<void> {
  if (done.has(document)) return;
  done.add(document);
  for (const child of document.children) await putAll(session, child, [], done);
  for (const name of document.blobs) await session.putBlob(BLOBS[name]);
  await session.putManifest(document.content, { tags });
}
