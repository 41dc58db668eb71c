import type { Declaration } from "./harness.ts";

/** A group of rules holds only for stores that declare what it is named after; `core` holds for every store. */
export type Group =
  | "core"
  | "generations"
  | "fixedNames"
  | "resumableUploads"
  | "multiWriter"
  | "edges"
  | "queue"
  | "noQueue"
  | "repositories"
  | "oneRepository"
  | "window"
  | "faults";

/** Whether a store that declares this must hold to the rules of a group. */
export function applies(group: Group, { blobs, catalog, faults }: Declaration): boolean {
  switch (group) {
    case "core":
      return true;
    case "generations":
      return blobs.generations;
    case "fixedNames":
      return !blobs.generations;
    case "resumableUploads":
      return blobs.resumableUploads;
    case "multiWriter":
      return blobs.multiWriter;
    case "edges":
      return catalog.edges;
    case "queue":
      return catalog.queue;
    case "noQueue":
      return !catalog.queue;
    case "repositories":
      return catalog.repositories;
    case "oneRepository":
      return !catalog.repositories;
    case "window":
      return catalog.window;
    case "faults":
      return faults ?? false;
  }
}
