import { type Environment, type OnEvent, type Policy, randomId, systemEnvironment } from "@ocistore/core";
import { connectToRead, connectToWrite } from "./connection.ts";
import type { Connect, Database } from "./database.ts";
import { toOciStoreError } from "./errors.ts";
import { LayoutCatalog, type ProjectionMode } from "./layout-catalog.ts";
import type { ProjectionGround } from "./projection/projection.ts";
import { SqlCatalog } from "./sql-catalog.ts";
import { prepared } from "./tables/statements.ts";
import { Transactions } from "./transactions.ts";

const HOUR = 60 * 60_000;

/** Of a catalog that is new. */
export const DEFAULT_POLICY: Policy = { grace: HOUR, window: 0, wait: 0 };

export interface SqliteCatalogOptions {
  /** Opens the file; called twice, for a connection that writes and one that reads. */
  readonly connect: Connect;
  /** What the blob store beside it says of itself: whether a digest has one fixed place. */
  readonly blobs: { readonly capabilities: { readonly generations: boolean } };
  /** Of a catalog that is made by this call. */
  readonly policy?: Policy | undefined;
  readonly env?: Environment | undefined;
  /** Told how long another process had the write lock; what happens in the store is told by {@link openStore}. */
  readonly onEvent?: OnEvent | undefined;
}

/**
 * Opens a catalog in SQLite, and makes the tables if there are none. The cost does not depend on what is in it.
 *
 * @throws `UNSUPPORTED` if SQLite is too old, the file lies on a network file system, is no catalog, or a newer ocistore has
 * written it; `CORRUPT`.
 *
 * @example
 * import Database from "better-sqlite3";
 *
 * const catalog = await sqliteCatalog({ connect: () => new Database("catalog.db"), blobs });
 * const store = await openStore({ blobs, catalog });
 */
export function sqliteCatalog(o: SqliteCatalogOptions): Promise<SqlCatalog> {
  const { blobs, onEvent, env = systemEnvironment } = o;
  const fixedNames = !blobs.capabilities.generations;
  return opened({ ...o, env }, (writer, reader) => new SqlCatalog(writer, reader, { env, fixedNames, onEvent }));
}

export interface OpenLayoutCatalogOptions extends Pick<ProjectionGround, "listing" | "blobs" | "onListing"> {
  /** As for {@link sqliteCatalog}. */
  readonly connect: Connect;
  /** Of a catalog that is made by this call. */
  readonly policy?: Policy | undefined;
  /** When index.json is written; `coalesced` unless given. */
  readonly projection?: ProjectionMode | undefined;
  readonly env?: Environment | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/**
 * Opens a catalog beside an image layout: as {@link sqliteCatalog}, and index.json is kept true for other tools. What they have
 * written since is taken in first.
 *
 * @throws `LAYOUT_INVALID` if index.json cannot be read.
 *
 * @example
 * const { blobs, listing, catalogPath } = await openLayoutParts("./images");
 * const catalog = await layoutCatalog({ connect: () => new Database(catalogPath), blobs, listing });
 * const store = await openStore({ blobs, catalog });
 */
export async function layoutCatalog(o: OpenLayoutCatalogOptions): Promise<LayoutCatalog> {
  const env = o.env ?? systemEnvironment;
  const { listing, blobs, onListing, onEvent, projection = "coalesced" } = o;
  const catalog = await opened(
    { ...o, env },
    (writer, reader) => new LayoutCatalog(writer, reader, { env, listing, blobs, onListing, onEvent, projection }),
  );
  try {
    await catalog.look();
    return catalog;
  } catch (error) {
    await catalog.abandon();
    throw error;
  }
}

async function opened<T>(
  { connect, env, policy }: Pick<SqliteCatalogOptions, "connect" | "policy"> & { readonly env: Environment },
  make: (writer: Database, reader: Database) => T,
): Promise<T> {
  const writer = await connectToWrite(connect, env);
  let reader: Database | undefined;
  try {
    await settle(new Transactions(writer, env), prepared(writer), env, policy ?? DEFAULT_POLICY);
    reader = await connectToRead(connect);
    return make(writer, reader);
  } catch (error) {
    reader?.close();
    writer.close();
    throw toOciStoreError(error);
  }
}

async function settle(
  transactions: Transactions,
  sql: ReturnType<typeof prepared>,
  env: Environment,
  policy: Policy,
): Promise<void> {
  if (sql.setting.get("identity")) return;
  await transactions.write({}, () => {
    if (sql.setting.get("identity")) return;
    sql.setSetting.run("identity", `sqlite:${randomId(env)}`);
    sql.setSetting.run("policy", JSON.stringify(policy));
  });
}
