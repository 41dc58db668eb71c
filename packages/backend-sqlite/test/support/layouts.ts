import { join } from "node:path";
import { initLayout, openLayoutParts } from "@ocistore/backend-fs";
import { type Environment, openStore, packManifest, type Store, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import type { Connect } from "../../src/database.ts";
import {
  indexLayout,
  type LayoutCatalog,
  type ListingReport,
  layoutCatalog,
  type ProjectionMode,
} from "../../src/index.ts";
import { temporary } from "./place.ts";

export interface Opened {
  readonly store: Store;
  readonly catalog: LayoutCatalog;
  /** What other tools have done since, as far as it was told. */
  readonly reports: ListingReport[];
}

export interface OpenOptions {
  readonly env?: Environment;
  readonly projection?: ProjectionMode;
  /** Put between the catalog and its database. */
  readonly between?: (connect: Connect) => Connect;
}

/** Gives a layout a catalog, if it has none. */
export async function indexed(directory: string, env: Environment = systemEnvironment): Promise<void> {
  const { plain, blobs, listing, install } = await openLayoutParts(directory, { env });
  await install((path) => indexLayout({ connect: () => new Database(path), plain, blobs, listing, env }));
}

export async function openIndexed(
  directory: string,
  { env = systemEnvironment, projection = "each-change", between = (connect) => connect }: OpenOptions = {},
): Promise<Opened> {
  const { blobs, listing, catalogPath } = await openLayoutParts(directory, { env });
  const reports: ListingReport[] = [];
  const onListing = (report: ListingReport) => void reports.push(report);
  const connect = between(() => new Database(catalogPath));
  const catalog = await layoutCatalog({ connect, blobs, listing, env, projection, onListing });
  const store = await openStore({ blobs, catalog, env });
  onTestFinished(() => store.close());
  return { store, catalog, reports };
}

/** An empty layout with a catalog. */
export async function fresh(o: OpenOptions = {}): Promise<Opened & { readonly directory: string }> {
  const directory = join(temporary(), "layout");
  await initLayout(directory, { ...(o.env && { env: o.env }) });
  await indexed(directory, o.env);
  return { directory, ...(await openIndexed(directory, o)) };
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An image of one layer of its own, with these tags. */
export async function push(store: Store, text: string, tags: readonly string[] = [text]) {
  return store.repository().session(async (session) => {
    const layer = await session.putBlob({ stream: bytes(`layer of ${text}`) });
    const manifest = await session.putManifest(packManifest({ artifactType: "test/image", layers: [layer] }), { tags });
    return { layer, manifest };
  });
}

/** The tags as another tool would read them: by the layout as it is, with nothing of ours. */
export async function tagsOf(store: Store): Promise<Record<string, string>> {
  const tags: Record<string, string> = {};
  for await (const { name, digest } of store.repository().tags()) tags[name] = digest;
  return tags;
}

export async function rootsOf(store: Store): Promise<string[]> {
  const roots: string[] = [];
  for await (const { why, name = "", digest } of store.roots()) roots.push(`${why} ${name} ${digest}`);
  return roots.sort();
}
