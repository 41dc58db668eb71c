import { openLayoutParts } from "@ocistore/backend-fs";
import type { IndexedLayout, ListingReport } from "@ocistore/backend-sqlite";
import { type Environment, openStore, type Store } from "@ocistore/core";
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
  const catalog = await layoutCatalog({ connect, blobs, listing, env, projection, onListing });
  return openStore({ blobs, catalog, env });
}

/** Gives a plain layout a catalog. */
export async function addCatalog(
  directory: string,
  o: {
    readonly env: Environment;
    readonly signal: AbortSignal;
    readonly onProgress?: (done: IndexedLayout) => void;
  },
): Promise<IndexedLayout> {
  const { indexLayout, connectTo } = await backend();
  const { plain, blobs, listing, install } = await openLayoutParts(directory, { env: o.env });
  return install((path) => indexLayout({ ...o, connect: connectTo(path), plain, blobs, listing }), {
    signal: o.signal,
  });
}

/** Only where a catalog is asked for: a database need not be there for anything else. */
async function backend() {
  try {
    const { default: Database } = await import("better-sqlite3");
    const { indexLayout, layoutCatalog } = await import("@ocistore/backend-sqlite");
    return { indexLayout, layoutCatalog, connectTo: (path: string) => () => new Database(path) };
  } catch (cause) {
    throw new CliError("UNSUPPORTED", EXIT.refused, `SQLite cannot be loaded: ${(cause as Error).message}`, {
      hint: "a catalog wants the package better-sqlite3 beside ocistore: `npm install better-sqlite3`",
      cause,
    });
  }
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
