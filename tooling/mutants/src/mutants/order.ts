import type { Mutant } from "../mutant.ts";

const CELL = "packages/backend-fs/src/layout/cell.ts";
const UNDO = "packages/backend-fs/test/protocol/undo.test.ts";
const CRASH = "packages/backend-fs/test/protocol/crash.test.ts";

/** The order of writing is the whole of the protocol of a plain layout. */
export const ORDER: readonly Mutant[] = [
  {
    id: "record-after-index",
    protects: "what index.json forgets is in the record of the run before that",
    file: CELL,
    text: `
      for (const [id, run] of draft.runs.changes) {
        if (run) await writeRun(this.#fs, this.#paths, this.#o.directories, id, withEntries(run, document));
      }`,
    instead: "",
    movedBehind: "await syncMoves(this.#fs, this.#paths, condemned as CondemnedRow[]);",
    killedBy: [UNDO, "index.json is replaced before anything moves"],
  },
  {
    id: "back-after-index",
    protects: "files are back from the trash before index.json names them again",
    file: CELL,
    text: `
      for (const row of revived) await moveBack(this.#fs, this.#paths, row);
      await syncMoves(this.#fs, this.#paths, revived);`,
    instead: "",
    movedBehind: "await syncMoves(this.#fs, this.#paths, condemned as CondemnedRow[]);",
    killedBy: [
      "packages/backend-fs/test/protocol/crash.test.ts",
      "killed before any file call that changes something undo",
    ],
    writtenAs: [
      "packages/backend-fs/test/protocol/crash.test.ts",
      "killed before any file call that changes something",
    ],
  },
  {
    id: "new-pins-alone",
    protects: "of a change of pins and index.json, index.json decides: until it is replaced the old pins hold",
    file: "packages/backend-fs/src/sidecar/settings.ts",
    text: "const old = pinsIn(before, path);",
    instead: "return { pins, isPending: false }; const old = pinsIn(before, path);",
    killedBy: ["packages/backend-fs/test/layout/atomic.test.ts", "a change of pins and tags that is killed anywhere"],
  },
  {
    id: "lost-after-index",
    protects: "the grace of what loses its last reason is written down before index.json forgets it",
    file: CELL,
    text: `
      if (draft.lost.changed) await writeLost(this.#fs, this.#paths, draft.lost);`,
    instead: "",
    movedBehind: "await this.#touch(draft);",
    killedBy: ["packages/backend-fs/test/protocol/crash.test.ts", "undo, killed anywhere"],
  },
  {
    id: "index-overwritten",
    protects: "index.json is looked at once more just before the rename, since other tools honour no lock",
    file: CELL,
    text: "digestOf(await this.#indexBytes()) === version",
    instead: "true",
    killedBy: [
      "packages/backend-fs/test/protocol/foreign.test.ts",
      "a foreign write between our look and our rename is not lost",
    ],
  },
  {
    id: "stale-index",
    protects: "what was read between two foreign writes is not written back",
    file: CELL,
    text: "if (isListed && this.#index?.version !== version) return false;",
    instead: "",
    killedBy: [
      "packages/backend-fs/test/protocol/foreign.test.ts",
      "what we read between two foreign writes is not written back",
    ],
  },
  {
    id: "torn-index",
    protects: "an index.json that is being written over in place is read again",
    file: "packages/backend-fs/src/layout/torn.ts",
    text: "const RETRIES = 6;",
    instead: "const RETRIES = 0;",
    killedBy: ["packages/backend-fs/test/protocol/foreign.test.ts", "torn only for a moment: nobody notices"],
  },
  {
    id: "pins-half-done",
    protects: "a change that index.json refuses is in effect nowhere else either",
    file: CELL,
    text: "if (isPinned) await writePins(this.#fs, this.#paths, before);",
    instead: "",
    killedBy: [
      "packages/backend-fs/test/layout/atomic.test.ts",
      "that makes it impossible: nothing of it is in effect",
    ],
  },
  {
    id: "children-before-parents",
    protects: "a manifest is erased before what it names",
    file: "packages/core/src/catalog/commands/purge.ts",
    text: "|| named.has(digest)",
    instead: "",
    killedBy: [UNDO, "W8 parents are erased before what they name"],
  },
  {
    id: "drop-before-erase",
    protects: "what is being erased stays marked until it is gone",
    file: "packages/core/src/catalog/cell-catalog.ts",
    text: "const gone = new Set(await erase(round.marked));",
    instead:
      "const gone = new Set(round.marked.map(({ digest }) => digest)); await this.#attempt(o, async (ctx) => dropPurged(ctx, round.marked, gone)); await erase(round.marked);",
    killedBy: ["packages/backend-suite/test/memory.test.ts", "what could not be erased stays condemned"],
    writtenAs: ["packages/backend-suite/src/rules/purging.ts", "what could not be erased stays condemned"],
  },
  {
    id: "layout-before-index",
    protects: "oci-layout comes last: a directory that has it is a whole layout",
    file: "packages/backend-fs/src/open.ts",
    text: "if (!(await createFile(fs, paths.index, IndexDocument.empty(), fresh()))) await mustBeEmpty(fs, paths);",
    instead: "",
    movedBehind: "if (!made && !o.keep) throw alreadyExists(root);",
    killedBy: ["tooling/crash/test/killed.test.ts", "killed before any call that changes or syncs something: init"],
    writtenAs: ["tooling/crash/test/killed.test.ts", "killed before any call that changes or syncs something"],
  },
  {
    id: "run-forgotten-first",
    protects: "a run is forgotten when all of it is back, and not before",
    file: CELL,
    text: "for (const [id, run] of draft.runs.changes) if (!run) await dropRun(this.#fs, this.#paths, id);",
    instead: "",
    movedBehind: "await syncMoves(this.#fs, this.#paths, revived);",
    killedBy: [CRASH, "undo, killed anywhere and followed by a collection, can be done again"],
  },
  {
    id: "pins-settled-first",
    protects: "pins of a change of both are settled after index.json says which hold",
    file: CELL,
    text: "if (isPinned && pending) await writePins(this.#fs, this.#paths, repository.pins);",
    instead: "",
    movedBehind: "if (isPinned) await writePins(this.#fs, this.#paths, repository.pins, pending);",
    killedBy: ["packages/backend-fs/test/layout/atomic.test.ts", "a change of pins and tags that is killed anywhere"],
  },
  {
    id: "init-empties",
    protects: "a layout that is made never empties an index.json that is there",
    file: "packages/backend-fs/src/open.ts",
    text: "await mustBeEmpty(fs, paths);",
    instead: "{}",
    killedBy: [
      "packages/backend-fs/test/protocol/two.test.ts",
      "a directory that has an index.json with entries and no oci-layout is not made empty",
    ],
  },
];
