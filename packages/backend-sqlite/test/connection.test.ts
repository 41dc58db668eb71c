import { writeFileSync } from "node:fs";
import { ManualEnvironment } from "@ocistore/backend-suite";
import { expect, test } from "vitest";
import type { Database } from "../src/index.ts";
import { connection, open, temporaryFile, to, watched } from "./support/place.ts";

const UNSUPPORTED = { code: "UNSUPPORTED" };

/** A connection that says it is of another version. */
function ofVersion(db: Database, version: string): Database {
  const prepare = (sql: string) => db.prepare(sql.replaceAll("sqlite_version()", `'${version}'`));
  return { ...watched(db, () => {}), prepare };
}

test.each(["3.51.2", "3.50.9", "2.99.99"])("SQLite %s is refused: it may lose a commit", async (version) => {
  const file = temporaryFile();
  const connect = () => ofVersion(connection(file), version);
  await expect(open(file, { connect })).rejects.toMatchObject({
    ...UNSUPPORTED,
    message: expect.stringContaining(version),
  });
  // Nothing has been written by then.
  expect(connection(file).prepare("SELECT count(*) AS n FROM sqlite_schema").get()).toEqual({ n: 0 });
});

test.each(["3.51.3", "3.51.10", "3.52.0", "4.0.0"])("SQLite %s is recent enough", async (version) => {
  const file = temporaryFile();
  await open(file, { connect: () => ofVersion(connection(file), version) });
});

test("a refused connection is closed", async () => {
  const file = temporaryFile();
  const opened: Database[] = [];
  const connect = () => {
    const db = connection(file);
    opened.push(db);
    return ofVersion(db, "3.40.0");
  };
  await expect(open(file, { connect })).rejects.toMatchObject(UNSUPPORTED);
  expect(opened.map((db) => (db as unknown as { open: boolean }).open)).toEqual([false]);
});

test("Q9: a database that a newer ocistore has written is refused, and stays as it is", async () => {
  const file = temporaryFile();
  await (await open(file)).close();
  const db = connection(file);
  const version = (db.pragma("user_version", { simple: true }) as number) + 1;
  db.pragma(`user_version = ${version}`);
  db.exec("CREATE TABLE from_the_future (id INTEGER PRIMARY KEY)");
  await expect(open(file)).rejects.toMatchObject({ ...UNSUPPORTED, message: expect.stringContaining(`${version}`) });
  expect(db.pragma("user_version", { simple: true })).toBe(version);
});

test("a database of somebody else is refused, and gets no table of ours", async () => {
  const file = temporaryFile();
  const db = connection(file);
  db.exec("CREATE TABLE theirs (id INTEGER PRIMARY KEY)");
  await expect(open(file)).rejects.toMatchObject(UNSUPPORTED);
  expect(db.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "theirs" }]);
  expect(db.pragma("journal_mode", { simple: true })).toBe("delete");
});

test("one that says what it is is refused though it is empty", async () => {
  const file = temporaryFile();
  connection(file).pragma("application_id = 1");
  await expect(open(file)).rejects.toMatchObject(UNSUPPORTED);
});

test.each([":memory:", ""])(
  "a database without a file (%j) is refused: its two connections would be two",
  async (file) => {
    await expect(open(file)).rejects.toMatchObject({ ...UNSUPPORTED, message: expect.stringContaining("file") });
  },
);

test("where there can be no log there is no catalog", async () => {
  const file = temporaryFile();
  const connect = () => {
    const db = connection(file);
    // As where shared memory is not to be had.
    db.pragma("locking_mode = EXCLUSIVE");
    const refuses = (source: string, o?: { simple?: boolean }) =>
      source.startsWith("journal_mode") ? db.pragma("journal_mode = TRUNCATE", o) : db.pragma(source, o);
    return { ...watched(db, () => {}), pragma: refuses };
  };
  await expect(open(file, { connect })).rejects.toMatchObject({
    ...UNSUPPORTED,
    message: expect.stringContaining("truncate"),
  });
});

test("the log is synced at every commit, references are kept, and who reads writes nothing", async () => {
  const file = temporaryFile();
  const opened: Database[] = [];
  const connect = () => {
    opened.push(connection(file));
    return opened.at(-1)!;
  };
  await open(file, { connect });
  const [writer, reader] = opened as [Database, Database];
  expect(opened).toHaveLength(2);
  const settings = (db: Database, ...names: string[]) => names.map((name) => db.pragma(name, { simple: true }));
  expect(settings(writer, "journal_mode", "synchronous", "foreign_keys")).toEqual(["wal", 2, 1]);
  expect(settings(reader, "journal_mode", "query_only")).toEqual(["wal", 1]);
  expect(() => reader.exec("DELETE FROM settings")).toThrow(expect.objectContaining({ code: "SQLITE_READONLY" }));
  const orphan = "INSERT INTO pins VALUES (7, 'p', 7, NULL)";
  expect(() => writer.exec(orphan)).toThrow(expect.objectContaining({ code: "SQLITE_CONSTRAINT_FOREIGNKEY" }));
});

test("no statement waits for another process for long", async () => {
  const file = temporaryFile();
  const opened: Database[] = [];
  await open(file, {
    connect: () => {
      opened.push(connection(file));
      return opened.at(-1)!;
    },
  });
  for (const db of opened) expect(db.pragma("busy_timeout", { simple: true })).toBeLessThanOrEqual(50);
});

test("a catalog is the same for whoever opens it, and keeps its policy", async () => {
  const file = temporaryFile();
  const first = await open(file);
  await first.setPolicy({ grace: 1, window: 2, wait: 3 });
  const second = await open(file, { env: new ManualEnvironment() });
  expect(await second.identity()).toBe(await first.identity());
  expect(await second.policy()).toEqual({ grace: 1, window: 2, wait: 3 });
});

test("Q4: a file that is no database is CORRUPT, and is not written over", async () => {
  const file = temporaryFile();
  const text = "this is not a database, though somebody has called it one".repeat(100);
  writeFileSync(file, text);
  await expect(open(file)).rejects.toMatchObject({ code: "CORRUPT" });
  expect(() => connection(file).pragma("user_version")).toThrow("not a database");
});

test("a second open connection of another process is in nobody's way", async () => {
  const file = temporaryFile();
  const first = await open(file);
  const second = await open(file, { connect: to(file) });
  await first.setPolicy({ grace: 7, window: 0, wait: 0 });
  expect(await second.policy()).toMatchObject({ grace: 7 });
});
