import { hasCatalogBeside, openLayoutParts } from "@ocistore/backend-fs";
import type { IndexedLayout, ListingReport } from "@ocistore/backend-sqlite";
import { type Environment, isOciStoreError, openStore, type Store } from "@ocistore/core";
import { CliError, EXIT } from "./errors.ts";
import type { Output } from "./output/output.ts";
import { count } from "./output/words.ts";

interface OpenOptions {
  readonly readOnly: boolean;
  readonly env: Environment;
  readonly onListing: (report: ListingReport) => void;
}

/** Opens a layout with the catalog that lies beside it. */
export async function openWithCatalog(directory: string, o: OpenOptions): Promise<Store> {
  const { layoutCatalog, connectTo } = await backend();
  const { readOnly, env, onListing } = o;
  const { blobs, listing, catalogPath } = await openLayoutParts(directory, { readOnly, env });
  const connect = connectTo(catalogPath);
  // Who only looks sees what others have written, and leaves index.json as it is.
  const projection = readOnly ? "off" : "coalesced";
  try {
    const catalog = await layoutCatalog({ connect, blobs, listing, env, projection, onListing });
    return await openStore({ blobs, catalog, env });
  } catch (error) {
    if (!isOciStoreError(error, "CORRUPT")) throw error;
    const hint = `\`ocistore index ${directory}\` makes the catalog anew, from what is stored and from what of it can be read`;
    throw new CliError("CORRUPT", EXIT.failed, error.message, { hint, data: { path: catalogPath }, cause: error });
  }
}

export interface Added extends IndexedLayout {
  /** What could not be read of the catalog that was there; nothing of one that was not. */
  readonly lost?: readonly string[] | undefined;
}

/** Gives a layout a catalog, or makes the one that it has anew. */
export async function addCatalog(
  directory: string,
  o: {
    readonly env: Environment;
    readonly signal: AbortSignal;
    readonly onProgress?: (done: Pick<IndexedLayout, "blobs" | "manifests">) => void;
  },
): Promise<Added> {
  const { indexLayout, rebuildCatalog, connectTo } = await backend();
  const { plain, blobs, listing, install, ...parts } = await openLayoutParts(directory, { env: o.env });
  if (await hasCatalogBeside(directory)) {
    return rebuildCatalog({ ...o, ...parts, connect: (path) => connectTo(path)(), plain, blobs });
  }
  return install((path) => indexLayout({ ...o, connect: connectTo(path), plain, blobs, listing }), {
    signal: o.signal,
  });
}

/** @throws If SQLite cannot be loaded; `otherwise` says what can be done without it. */
export async function mustHaveDatabase(otherwise: string): Promise<void> {
  await backend(otherwise);
}

/** Only where a catalog is asked for: a database need not be there for anything else. */
async function backend(otherwise?: string) {
  try {
    const { default: Database } = await import("better-sqlite3");
    // The addon itself is loaded with the first database.
    new Database(":memory:").close();
    const { indexLayout, layoutCatalog, rebuildCatalog } = await import("@ocistore/backend-sqlite");
    return { indexLayout, layoutCatalog, rebuildCatalog, connectTo: (path: string) => () => new Database(path) };
  } catch (cause) {
    const [why] = (cause as Error).message.split("\n");
    const wanted = "a catalog wants the package better-sqlite3 beside ocistore: `npm install better-sqlite3`";
    throw new CliError("UNSUPPORTED", EXIT.refused, `SQLite cannot be loaded: ${why}`, {
      hint: otherwise === undefined ? wanted : `${otherwise}; ${wanted}`,
      cause,
    });
  }
}

/** What a catalog had that was made anew, and the new one has not. */
export function sayLost(out: Output, { lost = [] }: Added): void {
  if (lost.length === 0) return;
  const words = `could not be read: ${lost.join(", ")}; what index.json lists was taken from there, and every grace begins anew`;
  out.note({ lost }, `${words}. The old catalog is kept in .ocistore/damaged`);
}

/** What another tool has done meanwhile, and what came of it. */
export function sayListing(out: Output, { takenIn, takenOut, run, putBack, aside }: ListingReport): void {
  const say = (what: string, entries: readonly string[], words: string) => {
    if (entries.length > 0) out.note({ listing: what, entries, ...(run && { run }) }, words);
  };
  const entries = (list: readonly string[]) => count(list.length, "entry", "entries");
  say("takenIn", takenIn, `another tool has made ${entries(takenIn)} of index.json, taken in`);
  const undo = `\`ocistore undo ${run}\` brings back what that held`;
  say("takenOut", takenOut, `another tool has taken out ${entries(takenOut)} of index.json; ${undo}`);
  say("putBack", putBack, `another tool has written an old index.json over ours; as it was again: ${entries(putBack)}`);
  say("aside", aside, `${entries(aside)} of index.json cannot be taken in: what is named there is absent or damaged`);
}
