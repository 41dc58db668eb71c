import {
  type Digest,
  field,
  isJsonObject,
  isMediaType,
  type JsonObject,
  type JsonValue,
  type Membership,
  OciStoreError,
  parseForeignDigest,
  parseJson,
  type RepositoryDraft,
  type RepositoryState,
  type Run,
} from "@ocistore/core";

/** The annotation by which an entry of index.json has a name. */
export const REF_NAME = "org.opencontainers.image.ref.name";

/**
 * Says that an untagged entry is a root of its own although a manifest that is stored names it; without one it need not be
 * said, since being listed is enough.
 */
export const OWN = "dev.ocistore.own";

/**
 * The type of an entry that a repair has made for bytes of which nobody can tell what they were, since they are damaged or
 * cannot be read. They may be those of a manifest, so the entry is a root, and is one that cannot be read as long as they are not
 * sound: then no content is collected.
 */
export const DAMAGED = "application/vnd.ocistore.damaged";

/** Larger than any index.json that somebody works with; smaller than what would exhaust memory. */
export const INDEX_LIMIT = 256 * 1024 * 1024;

interface Entry {
  /** As it stands in the file, whatever else is in it. */
  readonly raw: JsonValue;
  /** `undefined` if it is not a descriptor. */
  readonly digest: Digest | undefined;
  readonly name: string | undefined;
}

/** index.json: what it says, and how to say something else without losing what we do not understand. */
export class IndexDocument {
  readonly #json: JsonObject;
  readonly #entries: readonly Entry[];
  readonly repository: RepositoryState;
  /** What in it is no descriptor. It is kept, but it may name anything. */
  readonly faults: readonly string[];

  private constructor(json: JsonObject, o: IndexOptions) {
    this.#json = json;
    const manifests = field(json, "manifests") ?? [];
    if (!Array.isArray(manifests)) throw invalid("its `manifests` is not an array");
    const faults: string[] = [];
    const state = { manifests: new Map<Digest, Membership>(), tags: new Map<string, Digest>() };
    this.#entries = manifests.map((raw, at) => {
      const read = readEntry(raw);
      if (typeof read === "string") {
        faults.push(`entry ${at} of index.json ${read}`);
        return { raw, digest: undefined, name: undefined };
      }
      const { digest, name, membership } = read;
      // Of several entries with one name the last one counts, as for oras; the others stay as if they had none.
      if (name !== undefined) state.tags.set(name, digest);
      const known = state.manifests.get(digest);
      const own = membership.own ?? known?.own ?? (o.roots === "listed" ? true : undefined);
      const isAsSaid = known === undefined && own === membership.own;
      state.manifests.set(digest, isAsSaid ? membership : { ...membership, ...known, own });
      return { raw, digest, name };
    });
    if (o.roots !== "listed") {
      for (const digest of state.tags.values())
        state.manifests.set(digest, { ...state.manifests.get(digest)!, own: false });
    }
    this.repository = { ...state, pins: new Map(), content: new Map(), referrers: new Map() };
    this.faults = faults;
  }

  /** @throws `LAYOUT_INVALID` if this is no image index. */
  static parse(bytes: Uint8Array, o: IndexOptions): IndexDocument {
    let json: JsonValue;
    try {
      json = parseJson(bytes, { maxBytes: INDEX_LIMIT });
    } catch (error) {
      throw new OciStoreError(
        "LAYOUT_INVALID",
        `index.json cannot be read: ${(error as Error).message}`,
        {},
        { cause: error },
      );
    }
    if (!isJsonObject(json)) throw invalid("it is not an object");
    if (field(json, "schemaVersion") !== 2) throw invalid("its schemaVersion is not 2");
    if (field(json, "config") !== undefined || field(json, "layers") !== undefined) throw invalid("it is a manifest");
    return new IndexDocument(json, o);
  }

  /** The entries that a run takes out: of its manifests, of what lost its mark, and under its tags. */
  entriesOf({ tags, manifests, marks = [] }: Pick<Run, "tags" | "manifests" | "marks">): readonly JsonValue[] {
    const gone = new Set([...manifests, ...marks].map(({ digest }) => digest));
    const named = new Set(tags.map(({ digest, name }) => keyOf(digest, name)));
    const isTaken = ({ digest, name }: Entry) =>
      digest !== undefined && (gone.has(digest) || (name !== undefined && named.has(keyOf(digest, name))));
    return this.#entries.filter(isTaken).map(({ raw }) => raw);
  }

  /** An empty one. */
  static empty(): Uint8Array {
    return encoded({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] });
  }

  /**
   * The file as it is after the changes of a draft. Entries keep their order and their fields, those that the changes do
   * not concern to the letter; new ones come last.
   *
   * @param remembered Entries that were taken out once; one that comes back has the fields that it had.
   */
  with(draft: RepositoryDraft, remembered: readonly JsonValue[] = []): Uint8Array {
    const named = new Set(draft.tags.changes.keys());
    const concerned = new Set(draft.manifests.changes.keys());
    for (const { digest, name } of this.#entries) {
      if (digest !== undefined && name !== undefined && named.has(name)) concerned.add(digest);
    }
    for (const digest of draft.tags.changes.values()) if (digest !== undefined) concerned.add(digest);

    const toName = new Map<Digest, Set<string>>();
    for (const [name, digest] of draft.tags) {
      if (!concerned.has(digest)) continue;
      const names = toName.get(digest) ?? new Set();
      toName.set(digest, names.add(name));
    }
    const templates = new Map<Digest, JsonObject>();
    const before = rememberedEntries(remembered);
    const manifests: JsonValue[] = [];
    const written = new Set<Digest>();
    const entriesOf = (digest: Digest): JsonObject[] => {
      const member = draft.manifests.get(digest);
      if (!member) return [];
      const template = templates.get(digest) ?? before.get(keyOf(digest, undefined)) ?? fresh(digest, member);
      const names = toName.get(digest);
      if (!names?.size) {
        return [annotated(template, { [REF_NAME]: undefined, [OWN]: member.own ? "true" : undefined })];
      }
      return [...names].map((name) => {
        const entry = before.get(keyOf(digest, name)) ?? template;
        return annotated(entry, { [REF_NAME]: name, [OWN]: undefined });
      });
    };

    for (const { digest, raw } of this.#entries) {
      if (digest !== undefined && concerned.has(digest) && !templates.has(digest))
        templates.set(digest, raw as JsonObject);
    }
    for (const { digest, raw, name } of this.#entries) {
      if (digest === undefined || !concerned.has(digest)) {
        manifests.push(raw);
      } else if (name !== undefined && toName.get(digest)?.delete(name)) {
        // An entry whose name stays keeps its own fields; another of the same digest may have others.
        manifests.push(annotated(raw as JsonObject, { [OWN]: undefined }));
        written.add(digest);
      }
    }
    for (const digest of concerned) {
      if (written.has(digest) && !toName.get(digest)?.size) continue;
      manifests.push(...entriesOf(digest));
    }
    return encoded({ ...this.#json, manifests });
  }
}

/** By digest and name, and any of a digest by that alone. What is no entry is nobody's. */
function rememberedEntries(remembered: readonly JsonValue[]): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const raw of remembered) {
    const read = readEntry(raw);
    if (typeof read === "string") continue;
    const { digest, name } = read;
    if (name !== undefined) found.set(keyOf(digest, name), raw as JsonObject);
    if (name === undefined || !found.has(keyOf(digest, undefined)))
      found.set(keyOf(digest, undefined), raw as JsonObject);
  }
  return found;
}

function keyOf(digest: Digest, name: string | undefined): string {
  return name === undefined ? digest : `${digest} ${name}`;
}

export interface IndexOptions {
  /** `listed`: every entry is a root, whatever names it. */
  readonly roots?: "listed" | undefined;
}

const NO_ANNOTATIONS: JsonObject = {};

interface ReadEntry {
  readonly digest: Digest;
  readonly name: string | undefined;
  readonly membership: Membership;
}

/** What an entry says, or what is wrong with it. */
export function readEntry(raw: JsonValue): ReadEntry | string {
  if (!isJsonObject(raw)) return "is not an object";
  const digest = field(raw, "digest");
  const size = field(raw, "size");
  const mediaType = field(raw, "mediaType") ?? "application/octet-stream";
  const artifactType = field(raw, "artifactType");
  if (typeof mediaType !== "string" || !isMediaType(mediaType)) return "has no valid media type";
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) return "has no valid size";
  if (typeof digest !== "string") return "has no digest";
  const annotations = field(raw, "annotations") ?? NO_ANNOTATIONS;
  if (!isJsonObject(annotations)) return "has annotations that are not an object";
  const name = field(annotations, REF_NAME);
  try {
    return {
      digest: parseForeignDigest(digest),
      name: typeof name === "string" && name !== "" ? name : undefined,
      membership: {
        mediaType,
        size,
        artifactType: typeof artifactType === "string" && artifactType !== "" ? artifactType : undefined,
        own: field(annotations, OWN) === "true" ? true : undefined,
        pushed: 0,
      },
    };
  } catch {
    return "has no valid digest";
  }
}

function fresh(digest: Digest, { mediaType, size, artifactType }: Membership): JsonObject {
  return { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) };
}

/** The same descriptor with these annotations set, or taken away. */
function annotated(descriptor: JsonObject, changes: Readonly<Record<string, string | undefined>>): JsonObject {
  const present = field(descriptor, "annotations");
  const annotations: Record<string, JsonValue> = { ...(isJsonObject(present) ? present : {}) };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete annotations[key];
    else annotations[key] = value;
  }
  const { annotations: _, ...rest } = descriptor;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

function encoded(json: JsonObject): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json));
}

function invalid(why: string): OciStoreError {
  return new OciStoreError("LAYOUT_INVALID", `index.json is not an image index: ${why}`);
}
