import type { ManifestRecord } from "../../contract/catalog.ts";
import type { Ms } from "../../contract/environment.ts";
import { DigestTable } from "../../liveness/digest-table.ts";
import { FloatList } from "../../liveness/float-list.ts";
import { IntList } from "../../liveness/int-list.ts";
import type { Digest } from "../../model/digest.ts";
import type { Edge, EdgeKind } from "../../model/edge.ts";
import { isManifestType } from "../../model/media-types.ts";
import type { Draft } from "../draft.ts";
import type { MemberGraph } from "./member-graph.ts";

const KINDS: readonly EdgeKind[] = ["config", "layer", "manifest", "subject", "opaque"];
const SUBJECT = KINDS.indexOf("subject");
const MANIFEST = KINDS.indexOf("manifest");
const KIND_BITS = 3;
const KIND = (1 << KIND_BITS) - 1;
const OPTIONAL = 1 << KIND_BITS;
const TYPE_SHIFT = KIND_BITS + 1;
const NONE = -1;

/**
 * What manifests name, as numbers: an edge takes 16 bytes, and a digest some 45 however often it is named. What a digest
 * names never changes, so it is read once for as long as its file does not change. Annotations are not kept.
 */
export class ManifestMemory {
  readonly digests = new DigestTable();
  /** By digest: the row that was read last. */
  readonly #rowOf = new IntList();
  readonly #stamp = new FloatList();
  readonly #size = new FloatList();
  readonly #mediaType = new IntList();
  readonly #artifactType = new IntList();
  readonly #start = new IntList();
  readonly #to = new IntList();
  readonly #about = new IntList();
  readonly #edgeSize = new FloatList();
  readonly #types: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** How many manifests it holds. */
  get rows(): number {
    return this.#size.length;
  }

  /** What is known of a manifest that was read under this stamp, and as this type if one is given. */
  find(digest: Digest, stamp: number, mediaType: string | undefined): number | undefined {
    const id = this.digests.find(digest);
    const row = id === undefined ? undefined : this.rowOf(id);
    return row !== undefined && this.isAsRead(row, stamp, mediaType) ? row : undefined;
  }

  /** By the number of a digest: the row that was read last. */
  rowOf(id: number): number | undefined {
    const row = id < this.#rowOf.length ? this.#rowOf.at(id) : NONE;
    return row === NONE ? undefined : row;
  }

  /** Whether it was read under this stamp, and as this type if one is given. */
  isAsRead(row: number, stamp: number, mediaType: string | undefined): boolean {
    return this.#stamp.at(row) === stamp && this.isOfType(row, mediaType);
  }

  isOfType(row: number, mediaType: string | undefined): boolean {
    return mediaType === undefined || mediaType.toLowerCase() === this.mediaType(row);
  }

  remember({ digest, size, mediaType, artifactType, edges }: ManifestRecord, stamp: number): number {
    const row = this.rows;
    const id = this.digests.id(digest);
    while (this.#rowOf.length <= id) this.#rowOf.push(NONE);
    this.#rowOf.set(id, row);
    this.#stamp.push(stamp);
    this.#size.push(size);
    this.#mediaType.push(this.#number(mediaType));
    this.#artifactType.push(this.#number(artifactType));
    this.#start.push(this.#to.length);
    for (const edge of edges) {
      this.#to.push(this.digests.id(edge.to));
      const type = this.#number(edge.mediaType) + 1;
      this.#about.push(KINDS.indexOf(edge.kind) | (edge.optional ? OPTIONAL : 0) | (type << TYPE_SHIFT));
      this.#edgeSize.push(edge.size ?? NONE);
    }
    return row;
  }

  mediaType(row: number): string {
    return this.#types[this.#mediaType.at(row)]!;
  }

  artifactType(row: number): string | undefined {
    return this.#types[this.#artifactType.at(row)];
  }

  /** Whether it is a manifest, or at least mentions what it may need: any JSON may have been read that was said to be one. */
  mayKeep(row: number): boolean {
    return isManifestType(this.mediaType(row)) || this.end(row) > this.start(row);
  }

  /** Its edges are those from here to {@link end}. */
  start(row: number): number {
    return this.#start.at(row);
  }

  end(row: number): number {
    return row + 1 < this.rows ? this.#start.at(row + 1) : this.#to.length;
  }

  /** The digest that an edge leads to, by its number. */
  target(edge: number): number {
    return this.#to.at(edge);
  }

  isSubject(edge: number): boolean {
    return (this.#about.at(edge) & KIND) === SUBJECT;
  }

  /** Whether what it leads to is a manifest, or nobody says that it is none. */
  mayBeManifest(edge: number): boolean {
    const kind = KINDS[this.#about.at(edge) & KIND];
    return kind !== "config" && kind !== "layer";
  }

  /** The type that whoever names it says it is. */
  typeOf(edge: number): string | undefined {
    return this.#types[(this.#about.at(edge) >> TYPE_SHIFT) - 1];
  }

  isManifest(edge: number): boolean {
    return (this.#about.at(edge) & KIND) === MANIFEST;
  }

  edge(edge: number): Edge {
    const about = this.#about.at(edge);
    const mediaType = this.typeOf(edge);
    const size = this.#edgeSize.at(edge);
    return {
      to: this.digests.digest(this.#to.at(edge)),
      kind: KINDS[about & KIND]!,
      ...(mediaType !== undefined && { mediaType }),
      ...(size !== NONE && { size }),
      ...((about & OPTIONAL) !== 0 && { optional: true }),
    };
  }

  edges(row: number): Edge[] {
    const edges: Edge[] = [];
    for (let edge = this.start(row); edge < this.end(row); edge++) edges.push(this.edge(edge));
    return edges;
  }

  /** The record as it was, without annotations. */
  record(
    row: number,
    o: { readonly digest: Digest; readonly generation: string; readonly pushed: Ms },
  ): ManifestRecord {
    const { digest, generation, pushed } = o;
    const [size, mediaType, artifactType] = [this.#size.at(row), this.mediaType(row), this.artifactType(row)];
    return { digest, size, generation, mediaType, artifactType, edges: this.edges(row), pushed };
  }

  #number(type: string | undefined): number {
    if (type === undefined) return NONE;
    const known = this.#numbers.get(type);
    if (known !== undefined) return known;
    this.#numbers.set(type, this.#types.length);
    return this.#types.push(type) - 1;
  }
}

/** Rows that no graph needs any more, before all is read anew: what has been deleted since must not pile up for ever. */
const SPARE = 10_000;

/** What the graphs of a catalog share, one after the other. */
export class SharedMemory {
  #memory = new ManifestMemory();
  /** The one that was made last, of what, and when all of it had been looked at. It is made of {@link current}. */
  last: { readonly graph: MemberGraph; readonly draft: Draft; readonly looked: Ms } | undefined;

  get current(): ManifestMemory {
    return this.#memory;
  }

  /** Called with the manifests of a graph that has just been made of it. That graph keeps what it is made of. */
  trim(inUse: number): void {
    if (this.#memory.rows <= 2 * inUse + SPARE) return;
    this.#memory = new ManifestMemory();
    this.last = undefined;
  }
}
