import { join } from "node:path";
import { type Digest, OciStoreError, type Repository, type Store } from "@ocistore/core";
import { onTestFinished } from "vitest";
import { type OpenLayoutOptions, openLayout } from "../../src/index.ts";
import { temporaryDirectory } from "./foreign-layout.ts";

export interface Opened {
  readonly store: Store;
  readonly repository: Repository;
}

/** A layout on the disk, made if need be, and closed with the test. */
export async function opened(directory: string, o: OpenLayoutOptions = {}): Promise<Opened> {
  const store = await openLayout(directory, { create: true, ...o });
  onTestFinished(() => store.close());
  return { store, repository: store.repository() };
}

export async function fresh(o: OpenLayoutOptions = {}): Promise<Opened & { readonly directory: string }> {
  const directory = join(await temporaryDirectory(), "layout");
  return { directory, ...(await opened(directory, o)) };
}

/** The code of its error, or "it worked". */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "it worked",
    (error) => (error instanceof OciStoreError ? error.code : String(error)),
  );
}

export async function blobsOf(store: Store): Promise<Set<Digest>> {
  const found = new Set<Digest>();
  for await (const { digest } of store.parts.blobs.list()) found.add(digest);
  return found;
}
