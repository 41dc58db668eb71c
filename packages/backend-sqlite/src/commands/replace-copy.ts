import { type Digest, type Placement, refusals } from "@ocistore/core";
import type { Context } from "./context.ts";

/** Whether this copy is the one that is in use. */
export function isUsed({ tables }: Context, { digest, generation }: Placement): boolean {
  return tables.blob(digest)?.generation === generation;
}

/** Takes a damaged copy out of use, for a sound one or for none. @throws `IN_USE` */
export function replaceCopy({ tables }: Context, digest: Digest, by: Placement | undefined): void {
  if (by) {
    const { size, generation } = by;
    tables.setBlob({ digest, size, generation, since: tables.blob(digest)!.since });
    return;
  }
  // Absent it would name nothing, and what it kept would be garbage.
  if (tables.sql.membersOf.get(tables.id(digest))) {
    throw refusals.isManifest(digest);
  }
  tables.dropBlob(digest);
}
