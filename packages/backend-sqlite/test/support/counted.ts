import type { Connect, Database, Statement } from "../../src/database.ts";

/** What a database has been asked. */
export interface Asked {
  statements: number;
  /** That it has answered with. */
  rows: number;
}

/** The same database, and what it is asked is counted. */
export function counted(connect: Connect): { readonly connect: Connect; readonly asked: Asked } {
  const asked: Asked = { statements: 0, rows: 0 };
  const watched = (statement: Statement): Statement => ({
    run: (...parameters) => {
      asked.statements += 1;
      return statement.run(...parameters);
    },
    get: (...parameters) => {
      const row = statement.get(...parameters);
      asked.statements += 1;
      if (row !== undefined) asked.rows += 1;
      return row;
    },
    all: (...parameters) => {
      const rows = statement.all(...parameters);
      asked.statements += 1;
      asked.rows += rows.length;
      return rows;
    },
  });
  const watch = (db: Database): Database => ({
    prepare: (sql) => watched(db.prepare(sql)),
    exec: (sql) => db.exec(sql),
    pragma: (source, o) => db.pragma(source, o),
    close: () => db.close(),
    get inTransaction() {
      return db.inTransaction;
    },
  });
  return { connect: () => watch(connect()), asked };
}
