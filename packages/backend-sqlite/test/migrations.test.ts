import { expect, test } from "vitest";
import type { Database } from "../src/index.ts";
import { MIGRATIONS } from "../src/schema.ts";
import { HastyEnvironment } from "./support/hasty.ts";
import { connection, open, temporaryFile, watched } from "./support/place.ts";

const schemaOf = (db: Database) => db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY name").all();
const versionOf = (db: Database) => db.pragma("user_version", { simple: true });

/** What a new one is like. */
async function whole(): Promise<unknown> {
  const file = temporaryFile();
  await open(file);
  return schemaOf(connection(file));
}

class Gone extends Error {}

/** Opens with a connection that is cut before its statement number `at`, as a process that dies; how many there were. */
async function cutBefore(file: string, at: number): Promise<number> {
  let count = 0;
  const connect = () => {
    const db = connection(file);
    return watched(db, () => {
      if (++count <= at) return;
      // Without a rollback: nobody is there to make one.
      db.close();
      throw new Gone();
    });
  };
  const opened = open(file, { connect }).then(
    (catalog) => catalog.close(),
    (error) => {
      if (!(error instanceof Gone)) throw error;
    },
  );
  await opened;
  return count;
}

test("Q9: cut off before any statement of the first opening, the next one makes a whole catalog", async () => {
  const wanted = await whole();
  const total = await cutBefore(temporaryFile(), Number.POSITIVE_INFINITY);
  expect(total).toBeGreaterThan(10);
  let halfWay = 0;
  for (let at = 0; at < total; at++) {
    const file = temporaryFile();
    await cutBefore(file, at);
    const db = connection(file);
    // All tables of a version or none, with the number of that version.
    const tables = schemaOf(db).length;
    expect(versionOf(db) === 0, `cut before ${at}`).toBe(tables === 0);
    if (tables > 0) halfWay++;
    const catalog = await open(file);
    expect(schemaOf(db), `cut before ${at}`).toEqual(wanted);
    expect(await catalog.identity()).toMatch(/^sqlite:[0-9a-f]{32}$/);
    expect(await catalog.policy()).toMatchObject({ grace: 3_600_000 });
  }
  expect(halfWay).toBeGreaterThan(0);
  expect(halfWay).toBeLessThan(total);
});

test("a statement that fails in the middle of a migration takes back all of it", async () => {
  const file = temporaryFile();
  const connect = () => {
    const db = connection(file);
    const exec = (sql: string) => {
      if (sql !== MIGRATIONS[0]) return db.exec(sql);
      db.exec(sql.slice(0, sql.indexOf("CREATE TABLE manifests")));
      throw new Error("the third of ten");
    };
    return { ...watched(db, () => {}), exec };
  };
  await expect(open(file, { connect })).rejects.toThrow("the third of ten");
  expect(schemaOf(connection(file))).toEqual([]);
  await open(file);
});

/** What another process does if it comes first. @returns Whether it did. */
function migratedByAnother(db: Database, application: number): boolean {
  if (versionOf(db) !== 0) return false;
  try {
    db.exec("BEGIN IMMEDIATE");
  } catch {
    return false;
  }
  for (const migration of MIGRATIONS) db.exec(migration);
  db.pragma(`application_id = ${application}`);
  db.pragma(`user_version = ${MIGRATIONS.length}`);
  db.exec("INSERT INTO settings VALUES ('identity', 'sqlite:theirs'), ('policy', '{}')");
  db.exec("COMMIT");
  return true;
}

test("another process makes the tables first, at any moment of this one, and this one takes them as they are", async () => {
  const [wanted, total] = [await whole(), await cutBefore(temporaryFile(), Number.POSITIVE_INFINITY)];
  const model = temporaryFile();
  await open(model);
  const application = connection(model).pragma("application_id", { simple: true }) as number;
  let first = 0;
  for (let at = 0; at < total; at++) {
    const file = temporaryFile();
    let count = 0;
    let isFirst = false;
    const connect = () => {
      const db = connection(file);
      return watched(db, () => {
        if (count++ === at) isFirst = migratedByAnother(connection(file, { timeout: 0 }), application);
      });
    };
    const mine = await open(file, { connect });
    expect((await mine.identity()) === "sqlite:theirs", `at statement ${at}`).toBe(isFirst);
    expect(schemaOf(connection(file))).toEqual(wanted);
    if (isFirst) first++;
  }
  expect(first).toBeGreaterThan(3);
  expect(first).toBeLessThan(total);
});

test("who finds another in the middle of making the tables waits without a statement, and gives up after a while", async () => {
  const file = temporaryFile();
  await open(file).then((catalog) => catalog.close());
  const db = connection(file);
  db.pragma("user_version = 0");
  for (const { type, name } of schemaOf(db) as { type: string; name: string }[]) {
    if (type === "table" && !name.startsWith("sqlite_")) {
      db.pragma("foreign_keys = OFF");
      db.exec(`DROP TABLE ${name}`);
    }
  }
  db.exec("BEGIN IMMEDIATE");
  const env = new HastyEnvironment();
  const start = env.now();
  await expect(open(file, { env })).rejects.toMatchObject({ code: "LOCKED" });
  expect(env.now() - start).toBeGreaterThan(30_000);
  expect(env.waits).toBeGreaterThan(3);

  let isOpen = false;
  const waiting = open(file).then((catalog) => {
    isOpen = true;
    return catalog;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isOpen).toBe(false);
  db.exec("ROLLBACK");
  expect(await (await waiting).identity()).toMatch(/^sqlite:/);
});
