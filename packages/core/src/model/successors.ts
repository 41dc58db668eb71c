import type { Descriptor } from "./descriptor.ts";
import type { Edge, EdgeKind } from "./edge.ts";
import { compact } from "./json-read.ts";
import { isForeignLayerType } from "./media-types.ts";

/** The parts of a manifest that name content. */
export interface ManifestParts {
  readonly subject?: Descriptor | undefined;
  readonly config?: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  readonly blobs: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  /** What a document of unknown type mentions. */
  readonly mentions: readonly Edge[];
}

/**
 * What a manifest names, and as what: the one place that knows which part gives which edge. The order is that of oras-go
 * (subject, config, layers or children), the same digest of the same kind comes once, and a mention adds nothing to a
 * digest that is named as something in particular.
 */
export function successors(parts: ManifestParts): readonly Edge[] {
  const edges = new EdgeList();
  if (parts.subject) edges.add(edgeTo(parts.subject, "subject", true));
  if (parts.config) edges.add(edgeTo(parts.config, "config"));
  for (const layer of parts.layers) edges.add(edgeTo(layer, "layer", livesElsewhere(layer)));
  for (const blob of parts.blobs) edges.add(edgeTo(blob, "layer", livesElsewhere(blob)));
  for (const child of parts.manifests) edges.add(edgeTo(child, "manifest"));
  if (parts.mentions.length === 0) return edges.all();
  for (const mention of parts.mentions) if (mention.kind !== "opaque") edges.add(mention);
  const named = new Set(edges.all().map(({ to }) => to));
  for (const mention of parts.mentions) if (mention.kind === "opaque" && !named.has(mention.to)) edges.add(mention);
  return edges.all();
}

function livesElsewhere({ mediaType, urls }: Descriptor): boolean {
  return isForeignLayerType(mediaType) && urls !== undefined && urls.length > 0;
}

function edgeTo({ digest, mediaType, size }: Descriptor, kind: EdgeKind, optional = false): Edge {
  return optional ? { to: digest, kind, mediaType, size, optional } : { to: digest, kind, mediaType, size };
}

/** So many are looked through faster than their keys are made. */
const FEW = 8;

class EdgeList {
  readonly #edges: Edge[] = [];
  #places: Map<string, number> | undefined;

  add(edge: Edge): void {
    const place = this.#placeOf(edge);
    const before = this.#edges[place];
    this.#edges[place] = before ? merged(before, edge) : edge;
  }

  all(): readonly Edge[] {
    return this.#edges;
  }

  /** Where it stands, or is to stand. */
  #placeOf(edge: Edge): number {
    if (this.#edges.length < FEW) {
      const place = this.#edges.findIndex(({ to, kind }) => to === edge.to && kind === edge.kind);
      return place < 0 ? this.#edges.length : place;
    }
    this.#places ??= new Map(this.#edges.map((each, place) => [keyOf(each), place]));
    const key = keyOf(edge);
    const place = this.#places.get(key) ?? this.#edges.length;
    this.#places.set(key, place);
    return place;
  }
}

const keyOf = ({ kind, to }: Edge): string => `${kind} ${to}`;

/** Content that is needed once is needed; and a bare mention takes type and size from a descriptor. */
function merged(one: Edge, other: Edge): Edge {
  const { mediaType, size } = one.size === undefined ? other : one;
  return compact<Edge>({ to: one.to, kind: one.kind, mediaType, size, optional: one.optional && other.optional });
}
