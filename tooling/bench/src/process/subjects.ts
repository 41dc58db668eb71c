import { openLayout } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";

/** A way to open a store, by which all that is measured of ours is measured: each is a row beside the peers. */
export interface Subject {
  /** As the tables call it. */
  readonly name: string;
  open(directory: string, o: { readonly create: boolean }): Promise<Store>;
}

export const SUBJECTS: Readonly<Record<string, Subject>> = {
  layout: { name: "ocistore", open: (directory, { create }) => openLayout(directory, { create }) },
};
