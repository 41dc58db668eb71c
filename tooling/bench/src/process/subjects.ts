import { openLayout, openLayoutParts } from "@ocistore/backend-fs";
import { layoutCatalog, type ProjectionMode } from "@ocistore/backend-sqlite";
import { openStore, type Store } from "@ocistore/core";
import Database from "better-sqlite3";

/** A way to open a store, by which all that is measured of ours is measured: each is a row beside the peers. */
export interface Subject {
  /** As the tables call it. */
  readonly name: string;
  open(directory: string, o: { readonly create: boolean }): Promise<Store>;
}

export const SUBJECTS = {
  layout: { name: "ocistore", open: (directory, { create }) => openLayout(directory, { create }) },
  sqlite: { name: "ocistore, SQLite", open: (directory) => openWithCatalog(directory, "coalesced") },
} as const satisfies Readonly<Record<string, Subject>>;

export async function openWithCatalog(directory: string, projection: ProjectionMode): Promise<Store> {
  const { blobs, listing, catalogPath } = await openLayoutParts(directory);
  const catalog = await layoutCatalog({ connect: () => new Database(catalogPath), blobs, listing, projection });
  return openStore({ blobs, catalog });
}
