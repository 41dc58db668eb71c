import type { Mutant } from "../mutant.ts";

const SOURCE = "packages/backend-sqlite/src";
const TEST = "packages/backend-sqlite/test";
const SUITE = `${TEST}/suite.test.ts`;
const RULES = "packages/backend-suite/src/rules";
const GAPS = `${TEST}/protections.test.ts`;
const CATALOG = `${SOURCE}/sql-catalog.ts`;
const CONNECTION = `${SOURCE}/connection.ts`;
const PLAIN = "packages/backend-fs/src/layout/plain.ts";
const INSTALL = "packages/backend-fs/test/layout/install.test.ts";
const COMMANDS = `${SOURCE}/commands`;

/** A catalog in SQL: what is one transaction, what is looked at in it, and what the queue is told. */
export const SQL: readonly Mutant[] = [
  {
    id: "sql-not-full",
    protects: "a commit that was acknowledged outlives the power: the log is synced before",
    file: CONNECTION,
    text: 'db.pragma("synchronous = FULL");',
    instead: "",
    killedBy: [`${TEST}/connection.test.ts`, "the log is synced at every commit"],
  },
  {
    id: "sql-any-version",
    protects: "a SQLite that may lose a commit is refused",
    file: CONNECTION,
    text: "    mustBeRecent(db);\n",
    instead: "",
    killedBy: [`${TEST}/connection.test.ts`, "is refused: it may lose a commit"],
  },
  {
    id: "sql-newer-schema",
    protects: "Q9: what a newer version has written is not touched",
    file: CONNECTION,
    text: "if (version <= MIGRATIONS.length) return version;",
    instead: "return Math.min(version, MIGRATIONS.length);",
    killedBy: [`${TEST}/connection.test.ts`, "Q9: a database that a newer ocistore has written is refused"],
  },
  {
    id: "sql-deferred",
    protects: "what a command looks at does not change before it writes: it has the write lock from the beginning",
    file: `${SOURCE}/transactions.ts`,
    text: 'this.#db.exec("BEGIN IMMEDIATE")',
    instead: 'this.#db.exec("BEGIN")',
    killedBy: [`${TEST}/transactions.test.ts`, "Q1: if the other does not let go, that is LOCKED"],
  },
  {
    id: "sql-no-rollback",
    protects: "a command that fails leaves nothing",
    file: `${SOURCE}/transactions.ts`,
    text: 'if (this.#db.inTransaction) this.#db.exec("ROLLBACK");',
    instead: 'if (this.#db.inTransaction) this.#db.exec("COMMIT");',
    killedBy: [`${TEST}/transactions.test.ts`, "a command is all or nothing, wherever it is cut"],
  },
  {
    id: "sql-no-enqueue",
    protects: "whatever loses a reason to live is put into the queue by the transaction in which that happens",
    file: `${SOURCE}/tables/tables.ts`,
    text: "if (id !== undefined) this.sql.enqueue.run(id, since);",
    instead: "void since;",
    killedBy: [SUITE, "the queue knows what a mark of the whole store finds"],
    writtenAs: [`${RULES}/agreeing.ts`, "the queue knows what a mark of the whole store finds"],
  },
  {
    id: "sql-not-prolonged",
    protects: "a later event prolongs the time of what is in the queue already, and wakes it",
    file: `${SOURCE}/tables/statements.ts`,
    text: "ON CONFLICT DO UPDATE SET due = excluded.due, asleep = 0",
    instead: "ON CONFLICT DO NOTHING",
    killedBy: [GAPS, "what sleeps in the queue until its pin runs out wakes when the pin is taken away before that"],
  },
  {
    id: "sql-put-over-nothing",
    protects: "M9: a manifest is recorded in the transaction that checks that what it names is there",
    file: `${COMMANDS}/put.ts`,
    text: "if (absent.length > 0 && !sparse) throw refusals.missing(digest, absent);",
    instead: "",
    killedBy: [SUITE, "recording: content that is not stored is MISSING_CONTENT"],
    writtenAs: [`${RULES}/recording.ts`, "content that is not stored is MISSING_CONTENT"],
  },
  {
    id: "sql-claim-does-not-hold",
    protects: "who is told that it is here holds it",
    file: `${COMMANDS}/claims.ts`,
    after: "answer.set(digest, {",
    text: "hold(ctx, owner, repository, digest, until);",
    instead: "",
    killedBy: [SUITE, "claims: what is in the answer is held, whoever else lets go"],
    writtenAs: [`${RULES}/claims.ts`, "what is in the answer is held, whoever else lets go"],
  },
  {
    id: "sql-condemn-trusts",
    protects: "R3, R7: what a collection takes is looked at again in the transaction that takes it",
    file: `${COMMANDS}/condemn.ts`,
    text: "if (graphOf(ctx, before).isLive(bytesNode(digest))) return false;",
    instead: "",
    killedBy: [SUITE, "condemning: it looks for itself, whatever the caller says"],
    writtenAs: [`${RULES}/condemning.ts`, "it looks for itself, whatever the caller says"],
  },
  {
    id: "sql-epoch-ignored",
    protects: "R24: a collector that another has followed decides nothing any more",
    file: `${COMMANDS}/condemn.ts`,
    text: "if (row?.epoch !== epoch) throw",
    instead: "if (row === null) throw",
    killedBy: [SUITE, "condemning: a collector that another has followed is refused"],
    writtenAs: [`${RULES}/condemning.ts`, "a collector that another has followed is refused"],
  },
  {
    id: "sql-revived-alone",
    protects: "a manifest comes back with all that it names",
    file: `${COMMANDS}/revive.ts`,
    text: 'if (row.kind === "manifest") queue.push(...tables.digests(tables.sql.content.all(tables.id(each))));',
    instead: "",
    killedBy: [SUITE, "reviving: a manifest comes back with all that it names"],
    writtenAs: [`${RULES}/purging.ts`, "a manifest comes back with all that it names"],
  },
  {
    id: "sql-children-first",
    protects: "a manifest is gone before what it names, whatever dies in between",
    file: `${COMMANDS}/purge.ts`,
    text: " || sql.isNamedByCondemned.get(tables.id(digest))",
    instead: "",
    killedBy: [SUITE, "purging: nothing goes while a manifest that names it is still there"],
    writtenAs: [`${RULES}/purging.ts`, "nothing goes while a manifest that names it is still there"],
  },
  {
    id: "sql-published-outside",
    protects: "bytes come to a fixed name inside the transaction that gives them their row",
    file: CATALOG,
    after: "async add(",
    text: "return this.write(o, async (ctx) => {\n        for (const arrival of arrivals) {\n          await arrival.publish({ signal });",
    instead:
      "for (const arrival of arrivals) await arrival.publish({ signal });\n      return this.write(o, async (ctx) => {\n        for (const arrival of arrivals) {",
    killedBy: [GAPS, "nobody else has a transaction while bytes come to a fixed name"],
  },
  {
    id: "sql-erased-outside",
    protects: "bytes leave a fixed name inside the transaction that has looked at their mark",
    file: CATALOG,
    after: "async #leave(",
    text: "if (this.#fixedNames) {",
    instead: "if (false) {",
    killedBy: [GAPS, "bytes that have come again under their fixed name since they were marked are not erased"],
  },
  {
    id: "sql-mark-ignored",
    protects: "who erases forgets only what bears its own mark",
    file: `${COMMANDS}/purge.ts`,
    text: "present?.purging === true && present.mark === mark",
    instead: "present?.purging === true && mark > 0",
    killedBy: [GAPS, "the mark of another is not taken for one's own"],
  },
  {
    id: "sql-purges-ignored",
    protects: "where each upload has a place of its own, bytes are looked for again if anything was erased meanwhile",
    file: CATALOG,
    text: 'if (ctx.tables.setting("purges") !== purges) return false;',
    instead: "",
    killedBy: [GAPS, "bytes that were erased after it was looked for them are looked for once more"],
  },
  {
    id: "install-unlocked",
    protects: "nobody works by index.json alone while a layout gets a catalog",
    file: PLAIN,
    text: "await lock.acquire(o);",
    instead: "async () => {};",
    killedBy: [INSTALL, "a catalog gets its name under the lock, its bytes durable before and its name after"],
  },
  {
    id: "install-unsynced",
    protects: "a catalog has its bytes before it has its name",
    file: PLAIN,
    text: "await closing(handle, () => handle.sync());",
    instead: "await closing(handle, async () => {});",
    killedBy: [INSTALL, "a catalog gets its name under the lock, its bytes durable before and its name after"],
  },
  {
    id: "install-unnamed",
    protects: "the name of a new catalog outlives the power",
    file: PLAIN,
    text: "await fs.syncDirectory(paths.ours);",
    instead: "",
    killedBy: [INSTALL, "a catalog gets its name under the lock, its bytes durable before and its name after"],
  },
];
