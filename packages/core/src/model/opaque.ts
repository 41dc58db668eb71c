import { type Annotations, type Descriptor, isMediaType, parseAnnotations, parseDescriptor } from "./descriptor.ts";
import { type Digest, isDigest } from "./digest.ts";
import type { Edge } from "./edge.ts";
import { field, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";

// A digest that stands free in a text, as in `app@sha256:…`. Each alternative has one length, so this is linear.
const MENTION = /(?<![A-Za-z0-9])sha(?:256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})(?![A-Za-z0-9])/g;

/** Of a mention: `sha256:` and its digits. */
const SHORTEST = 71;

/** What can be said of a document whose type is not known. */
export interface Opaque {
  readonly subject: Descriptor | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Annotations | undefined;
  readonly mentions: readonly Edge[];
}

/**
 * Reads a JSON document whose type is not known, and fails closed: every digest that any key or string in it mentions may
 * be content that it needs. Never throws; what is not well-formed is only not understood.
 */
export function readOpaque(json: JsonValue): Opaque {
  if (!isJsonObject(json)) {
    return { subject: undefined, artifactType: undefined, annotations: undefined, mentions: mentionsIn(json) };
  }
  const artifactType = field(json, "artifactType");
  return {
    // Its digest is among the mentions too; `successors` drops those that are named as something.
    subject: attempt(field(json, "subject"), (subject) => parseDescriptor(subject, "subject")),
    artifactType: typeof artifactType === "string" && isMediaType(artifactType) ? artifactType : undefined,
    annotations: attempt(field(json, "annotations"), (annotations) => parseAnnotations(annotations, "annotations")),
    mentions: mentionsIn(json),
  };
}

function attempt<T>(value: JsonValue | undefined, read: (value: JsonValue) => T): T | undefined {
  if (value === undefined) return undefined;
  try {
    return read(value);
  } catch {
    return undefined;
  }
}

/** Recursive, because the depth of parsed JSON has a limit. */
function mentionsIn(root: JsonValue): readonly Edge[] {
  const edges: Edge[] = [];
  const children = isJsonObject(root) ? field(root, "manifests") : undefined;

  function visitText(text: string): void {
    if (text.length < SHORTEST) return;
    for (const [mention] of text.matchAll(MENTION)) edges.push({ to: mention as Digest, kind: "opaque" });
  }

  function visitObject(object: JsonObject, isChild: boolean): void {
    const edge = edgeOf(object, isChild ? "manifest" : "opaque");
    for (const [key, value] of Object.entries(object)) {
      visitText(key);
      if (edge === undefined || key !== "digest") visit(value);
      else edges.push(edge);
    }
  }

  function visit(value: JsonValue): void {
    if (typeof value === "string") visitText(value);
    else if (isJsonObject(value)) visitObject(value, false);
    else if (Array.isArray(value)) {
      for (const item of value) {
        if (value === children && isJsonObject(item)) visitObject(item, true);
        else visit(item);
      }
    }
  }

  visit(root);
  return edges;
}

function edgeOf(object: JsonObject, kind: "manifest" | "opaque"): Edge | undefined {
  const to = field(object, "digest");
  if (typeof to !== "string" || !isDigest(to)) return undefined;
  const mediaType = field(object, "mediaType");
  const size = field(object, "size");
  const described = typeof mediaType === "string" && isMediaType(mediaType) && isSize(size);
  return described ? { to, kind, mediaType, size } : { to, kind };
}

function isSize(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
