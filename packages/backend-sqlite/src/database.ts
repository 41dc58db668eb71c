/**
 * What is used of a database of `better-sqlite3`. It is injected: which build of SQLite runs is the choice of whoever
 * deploys it, and this package compiles nothing.
 *
 * @see https://github.com/WiseLibs/better-sqlite3/blob/master/docs/api.md
 */
export interface Database {
  prepare(sql: string): Statement;
  exec(sql: string): unknown;
  pragma(source: string, o?: { readonly simple?: boolean }): unknown;
  close(): unknown;
  readonly inTransaction: boolean;
}

export interface Statement {
  run(...parameters: unknown[]): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
}

/** Opens the file anew each time it is called. A catalog keeps two connections: one writes, one reads. */
export type Connect = () => Database;
