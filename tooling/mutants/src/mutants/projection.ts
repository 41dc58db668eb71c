import type { Mutant } from "../mutant.ts";

const SOURCE = "packages/backend-sqlite/src";
const TEST = "packages/backend-sqlite/test";
const SHOWN = `${TEST}/projection.test.ts`;
const GAPS = `${TEST}/projection-gaps.test.ts`;
const KILLED = `${TEST}/index-killed.test.ts`;
const ADDED = `${TEST}/index-layout.test.ts`;
const PROJECTION = `${SOURCE}/projection/projection.ts`;
const RECORD = `${SOURCE}/projection/record.ts`;
const ENTRIES = `${SOURCE}/projection/entries.ts`;
const CATALOG = `${SOURCE}/layout-catalog.ts`;
const LISTING = "packages/backend-fs/src/layout/index-listing.ts";
const LISTED = "packages/backend-fs/test/layout/index-listing.test.ts";
const PLAIN = "packages/backend-fs/src/layout/plain.ts";
const INDEX = `${SOURCE}/index-layout.ts`;

const BEFORE_OR_AFTER = "killed before or after index.json gets its name";

/** index.json beside a catalog: whose it is, what others meant by changing it, and how a layout gets its catalog. */
export const PROJECTED: readonly Mutant[] = [
  {
    id: "listing-not-noted",
    protects: "what is about to be written is noted before, so that after a kill it is not for somebody else's",
    file: PROJECTION,
    text: `      return { next, changes, number: addPending(tables, next.hash, entries, changes) };
    });
    if (pending === undefined) return false;
    if (pending === "as it is") return true;
    return write(o, async ({ tables }) => {
      // What others have only noted since does not count: if each waited for the other's, neither would ever write.
      const last = tables.sql.lastWritten.get() as { number: number };
      if (last.number > pending.number || !(await pending.next.write())) return false;
      setWritten(tables, pending.number, pending.changes);`,
    instead: `      return { next, changes, entries };
    });
    if (pending === undefined) return false;
    if (pending === "as it is") return true;
    return write(o, async ({ tables }) => {
      if (!(await pending.next.write())) return false;
      const number = addPending(tables, pending.next.hash, pending.entries, pending.changes);
      setWritten(tables, number, pending.changes);`,
    killedBy: [KILLED, BEFORE_OR_AFTER],
  },
  {
    id: "listing-noted-not-ours",
    protects: "a file that was noted and is there counts as ours, whether or not its writer lived to say so",
    file: RECORD,
    text: "ours: projections.slice(Math.max(last, 0)),",
    instead: "ours: projections.slice(Math.max(last, 0), Math.max(last, 0) + 1),",
    killedBy: [KILLED, BEFORE_OR_AFTER],
  },
  {
    id: "listing-last-not-ours",
    protects: "the file that was written last counts as ours, though another has been noted since",
    file: RECORD,
    text: "ours: projections.slice(Math.max(last, 0)),",
    instead: "ours: projections.slice(Math.min(last + 1, projections.length - 1)),",
    killedBy: [KILLED, BEFORE_OR_AFTER],
  },
  {
    id: "listing-written-over",
    protects: "index.json is replaced only if it is still the file that was read",
    file: LISTING,
    text: "return present !== undefined && digestOf(present) === before;",
    instead: "return present !== undefined;",
    killedBy: [LISTED, "one that has changed meanwhile is left alone"],
  },
  {
    id: "listing-young-stamp",
    protects: "a stamp says that nothing has changed only where a further write would show in it",
    file: LISTING,
    text: "Math.abs(env.now() - modified) < YOUNG ? undefined : ",
    instead: "",
    killedBy: [LISTED, "none where a further write would not show"],
  },
  {
    id: "listing-half-believed",
    protects: "half of an index.json is read again until it is whole",
    file: LISTING,
    text: "return whole(() => this.#read(), this.#ground.env, { signal });",
    instead: "return this.#read();",
    killedBy: [LISTED, "half of it is read again until it is whole"],
  },
  {
    id: "listing-taken-for-empty",
    protects: "an index.json that cannot be read is LAYOUT_INVALID, and never for one without entries",
    file: LISTING,
    text: "return whole(() => this.#read(), this.#ground.env, { signal });",
    instead:
      "return whole(() => this.#read(), this.#ground.env, { signal }).catch(() => this.#listingOf(IndexDocument.empty()));",
    killedBy: [SHOWN, "what is half written stops whoever would take something away, and is never taken for empty"],
  },
  {
    id: "listing-added-ignored",
    protects: "what another tool lists is taken in",
    file: PROJECTION,
    after: "for (const key of [...added].sort(",
    text: "if (gathered.aside.has(key)) continue;",
    instead: "if (key !== undefined) continue;",
    killedBy: [SHOWN, "a tag that another tool sets is ours, with what it names, and nothing of it is collected"],
  },
  {
    id: "listing-out-for-good",
    protects: "what another tool takes out can be brought back for a day, if not for longer",
    file: PROJECTION,
    text: "Math.max(policy.window, WINDOW)",
    instead: "policy.window",
    killedBy: [SHOWN, "what another tool takes out goes with what only that held, and can be brought back for a day"],
  },
  {
    id: "listing-old-is-meant",
    protects: "an older file that is written back takes nothing out",
    file: ENTRIES,
    text: "  if (stale) {",
    instead: "  if (stale && hash === undefined) {",
    killedBy: [SHOWN, "an old file that is written back takes nothing out and brings nothing back"],
  },
  {
    id: "listing-doubt-is-meant",
    protects: "a file that lists again what had gone may be an old one in part, and takes nothing out",
    file: ENTRIES,
    text: 'verdict: isBack ? "doubtful" : "meant"',
    instead: 'verdict: isBack && hash === undefined ? "doubtful" : "meant"',
    killedBy: [GAPS, "one that lists again what had gone, and not all that was there then, takes nothing out"],
  },
  {
    id: "listing-moves-ours",
    protects: "a tag that we have moved since others looked stays where it is, and what they put it on is kept",
    file: `${SOURCE}/projection/take-in.ts`,
    text: "if (present !== undefined && present !== before) {",
    instead: "if (present !== undefined && before === null) {",
    killedBy: [GAPS, "a tag that both have moved stays on ours, and theirs is kept"],
  },
  {
    id: "listing-seen-before",
    protects: "what others list until the very transaction that takes something away is looked at in it",
    file: CATALOG,
    text: "(await this.#projection.isSeen(ctx)) ?",
    instead: "ctx ?",
    killedBy: [GAPS, "what is listed between the look and the transaction is no garbage"],
  },
  {
    id: "listing-fault-ignored",
    protects: "nothing is taken away while something is listed that may name anything",
    file: PROJECTION,
    text: "if (row?.fault !== undefined) throw",
    instead: "if (row === null) throw",
    killedBy: [SHOWN, "an entry that may name anything stops collection"],
  },
  {
    id: "listing-aside-dropped",
    protects: "an entry that cannot be taken in stays as it is",
    file: `${SOURCE}/projection/wanted.ts`,
    text: "if (!listed) continue;",
    instead: "if (listed) continue;",
    killedBy: [SHOWN, "one whose manifest is absent stays until it comes"],
  },
  {
    id: "listing-merged-twice",
    protects: "what another process has taken in already is not taken in again, from what it was before",
    file: PROJECTION,
    text: "if (last?.number !== projections.at(-1)?.number) return undefined;",
    instead: "",
    killedBy: [
      GAPS,
      "what one process has taken out and another user has set again is not taken out by a second process",
    ],
  },
  {
    id: "listing-behind-erasing",
    protects: "index.json is written before anything is erased that it may have listed",
    file: CATALOG,
    text: "if (!isWritten && marks !== this.#unlisted) return false;",
    instead: "",
    killedBy: [SHOWN, "nothing is erased while index.json may still list it"],
  },
  {
    id: "condemned-without-window",
    protects: "bytes without a row are condemned as any, and erased when their window is over",
    file: `${SOURCE}/commands/condemn.ts`,
    text: "isManifest, run, until, mark });",
    instead: "isManifest, run, until: located ? until : tables.now, mark });",
    killedBy: [
      GAPS,
      "what another tool has brought and not yet listed is condemned first, and comes back when it lists it",
    ],
  },
  {
    id: "index-beside-sessions",
    protects: "no layout gets a catalog while a session is open or something waits in the trash",
    file: PLAIN,
    text: "    await mustBeIdle(plain, o);\n",
    instead: "",
    killedBy: [ADDED, "not while a session is open, nor while something waits in the trash, nor twice"],
  },
  {
    id: "index-over-catalog",
    protects: "a catalog that is there is not replaced by one that is made anew",
    file: PLAIN,
    text: "if (await hasCatalog(fs, paths)) {",
    instead: "if (fs === undefined) {",
    killedBy: [ADDED, "not while a session is open, nor while something waits in the trash, nor twice"],
  },
  {
    id: "index-in-place",
    protects: "a catalog has its name when it is whole, and a process that dies at it leaves the layout as it was",
    file: PLAIN,
    text: 'const path = paths.fresh("catalog.db");',
    instead: "const path = paths.catalog;",
    killedBy: [ADDED, "whoever dies at it leaves the layout as it was, and the next one begins anew"],
  },
  {
    id: "index-over-remains",
    protects: "what a process that died has left of a catalog is cleared away before the next is made",
    file: PLAIN,
    text: 'await reported("clear away an unfinished catalog", path, sweep);',
    instead: "",
    killedBy: [ADDED, "whoever dies at it leaves the layout as it was, and the next one begins anew"],
  },
  {
    id: "index-unreadable",
    protects: "no catalog is made of a layout with a manifest that cannot be read: it may name anything",
    file: INDEX,
    text: "for await (const { error } of graph.unreadable(o)) throw error;",
    instead: "",
    killedBy: [ADDED, "not while a manifest in it cannot be read"],
  },
  {
    id: "index-listing-late",
    protects: "what another tool lists while a catalog is made has been done to that catalog, and is taken in",
    file: INDEX,
    text: "\n  const file = await listing.read(o);",
    instead: "",
    movedBehind: "// Whoever has written to it meanwhile has done so to this one.",
    killedBy: [ADDED, "what another tool lists while it is made is taken in"],
  },
  {
    id: "index-nothing-queued",
    protects: "all that a layout has is looked at once after it gets a catalog, so that its garbage is found",
    file: INDEX,
    after: "tables.setBlob(located);",
    text: "tables.enqueue(located.digest);",
    instead: "",
    killedBy: [ADDED, "garbage that lies there when it is made is found by its catalog"],
  },
];
