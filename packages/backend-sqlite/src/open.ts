import { type Environment, type OnEvent, type Policy, randomId, systemEnvironment } from "@ocistore/core";
import { connectToRead, connectToWrite } from "./connection.ts";
import type { Connect, Database } from "./database.ts";
import { toOciStoreError } from "./errors.ts";
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
export async function sqliteCatalog(o: SqliteCatalogOptions): Promise<SqlCatalog> {
  const env = o.env ?? systemEnvironment;
  const writer = await connectToWrite(o.connect, env);
  let reader: Database | undefined;
  try {
    await settle(new Transactions(writer, env), prepared(writer), env, o.policy ?? DEFAULT_POLICY);
    reader = await connectToRead(o.connect);
    return new SqlCatalog(writer, reader, { env, fixedNames: !o.blobs.capabilities.generations });
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
