import { algorithmOf, encodedOf, type JsonObject, type Placement } from "@ocistore/core";
import { OWN, REF_NAME } from "../layout/index-document.ts";
import { encodePax } from "./pax.ts";
import type { SelectedEntry, Selection } from "./selection.ts";
import { BLOCK, encodeHeader, padded, SIZE_LIMIT } from "./tar-header.ts";

/** A member as it is to be written: its headers, and where its bytes come from. */
export interface OutgoingMember {
  readonly head: Uint8Array;
  readonly size: number;
  /** None for a directory. */
  readonly content: Uint8Array | Placement | undefined;
}

/** What ends an archive. */
export const END = new Uint8Array(2 * BLOCK);

const NAME_LIMIT = 100;

/**
 * The members of an archive in their order: what says that it is a layout, what is in it, then the directories, for tools
 * that make none of their own, the manifests and the blobs.
 */
export function membersOf({ entries, manifests, blobs }: Selection): readonly OutgoingMember[] {
  const content = [...manifests, ...blobs];
  const algorithms = [...new Set(content.map(({ digest }) => algorithmOf(digest)))].sort();
  return [
    file("oci-layout", new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}')),
    file("index.json", indexOf(entries)),
    directory("blobs/"),
    ...algorithms.map((name) => directory(`blobs/${name}/`)),
    ...content.map((placement) =>
      file(`blobs/${algorithmOf(placement.digest)}/${encodedOf(placement.digest)}`, placement),
    ),
  ];
}

/** How many bytes the archive will have. */
export function sizeOf(members: readonly OutgoingMember[]): number {
  return members.reduce((sum, { head, size }) => sum + head.length + padded(size), END.length);
}

function file(name: string, content: Uint8Array | Placement): OutgoingMember {
  const size = content instanceof Uint8Array ? content.length : content.size;
  return { head: headOf(name, size), size, content };
}

function directory(name: string): OutgoingMember {
  return { head: encodeHeader(name, 0, "5"), size: 0, content: undefined };
}

/** With an extended header before it where the plain one has too little room. */
function headOf(name: string, size: number): Uint8Array {
  const isLong = name.length > NAME_LIMIT;
  const isLarge = size > SIZE_LIMIT;
  const head = encodeHeader(name.slice(0, NAME_LIMIT), isLarge ? 0 : size, "0");
  if (!isLong && !isLarge) return head;
  const records = encodePax({ ...(isLong && { path: name }), ...(isLarge && { size: String(size) }) });
  const all = new Uint8Array(BLOCK + padded(records.length) + BLOCK);
  all.set(encodeHeader(`PaxHeaders/${name.slice(-64)}`, records.length, "x"));
  all.set(records, BLOCK);
  all.set(head, all.length - BLOCK);
  return all;
}

function indexOf(entries: readonly SelectedEntry[]): Uint8Array {
  const manifests = entries.map(({ record, name, isOwn }): JsonObject => {
    const { mediaType, digest, size, artifactType } = record;
    const annotations: JsonObject = {
      ...(name !== undefined && { [REF_NAME]: name }),
      ...(isOwn && { [OWN]: "true" }),
    };
    return {
      mediaType,
      digest,
      size,
      ...(artifactType !== undefined && { artifactType }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    };
  });
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  return new TextEncoder().encode(JSON.stringify(index));
}
