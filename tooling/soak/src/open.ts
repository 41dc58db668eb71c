import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { initLayout, openLayout, openLayoutParts } from "@ocistore/backend-fs";
import { indexLayout, layoutCatalog, type ProjectionMode } from "@ocistore/backend-sqlite";
import { type Environment, openStore, type Policy, type Store, systemEnvironment } from "@ocistore/core";
import Database from "better-sqlite3";

const CATALOG = ".ocistore/catalog.db";

interface OpenOptions {
  readonly env?: Environment;
  /** Of a catalog: other tools see a change before it is acknowledged, unless given. */
  readonly projection?: ProjectionMode;
}

/** Opens a layout by the catalog that lies beside it, or by its index.json if there is none. */
export async function openSoaked(directory: string, o: OpenOptions = {}): Promise<Store> {
  const { env = systemEnvironment, projection = "each-change" } = o;
  if (!existsSync(join(directory, CATALOG))) return openLayout(directory, { env });
  const { blobs, listing, catalogPath } = await openLayoutParts(directory, { env });
  const catalog = await layoutCatalog({ connect: () => new Database(catalogPath), blobs, listing, env, projection });
  return openStore({ blobs, catalog, env });
}

/** An empty layout with a catalog. */
export async function makeIndexed(directory: string, policy: Policy): Promise<void> {
  await initLayout(directory, { policy });
  const { plain, blobs, listing, install } = await openLayoutParts(directory);
  await install((path) => indexLayout({ connect: () => new Database(path), plain, blobs, listing }));
}

/** Which lease of a collector was given last. */
export function lastEpoch(directory: string): number | undefined {
  if (existsSync(join(directory, CATALOG))) {
    const db = new Database(join(directory, CATALOG), { readonly: true });
    const row = db.prepare("SELECT epoch FROM leases WHERE name = 'collect'").get() as { epoch: number } | undefined;
    db.close();
    return row?.epoch;
  }
  const { leases } = JSON.parse(leasesIn(directory)) as { leases?: Record<string, { epoch: number }> };
  return leases?.collect?.epoch;
}

function leasesIn(directory: string): string {
  try {
    return readFileSync(join(directory, ".ocistore/leases.json"), "utf8");
  } catch {
    return "{}";
  }
}
