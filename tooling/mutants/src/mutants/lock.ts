import type { Mutant } from "../mutant.ts";

const LINK = "packages/backend-fs/src/lock/link-lock.ts";
const JUDGE = "packages/backend-fs/src/lock/judge.ts";
const FILES = "packages/backend-fs/src/lock/lock-files.ts";
const UPLOAD = "packages/backend-fs/src/lock/upload-locks.ts";
const LINK_TEST = "packages/backend-fs/test/lock/link-lock.test.ts";
const SCHEDULE = "packages/backend-fs/test/lock/link-lock-schedule.test.ts";
const UPLOAD_TEST = "packages/backend-fs/test/lock/upload-locks.test.ts";
const WRITERS = "packages/backend-fs/src/layout/writers.ts";

/** One at a time, among processes, threads of work in one process, and the dead. */
export const LOCK: readonly Mutant[] = [
  {
    id: "no-lock",
    protects: "one process at a time changes a layout",
    file: "packages/backend-fs/src/layout/cell.ts",
    text: "return this.#lock.acquire({ signal });",
    instead: "return async () => {};",
    killedBy: [
      "packages/backend-fs/test/processes/processes.test.ts",
      "R10, R11: four processes tag one layout at once",
    ],
  },
  {
    id: "no-mutex",
    protects: "operations of one process wait for each other, in order",
    file: "packages/backend-fs/src/lock/mutex.ts",
    text: "if (this.#held) await this.#turn(env, path, o);",
    instead: "",
    killedBy: ["packages/backend-fs/test/lock/mutex.test.ts", "first come, first served"],
  },
  {
    id: "floor-ignored",
    protects: "a number that was used and tidied away confers nothing",
    file: LINK,
    text: "const first = (await files.floor()) < mine.number;",
    instead: "const first = true;",
    killedBy: [LINK_TEST, "a number that was used and tidied away confers nothing"],
  },
  {
    id: "no-second-listing",
    protects: "of two numbers the higher one is the lock, even after a person deleted files",
    file: LINK,
    text: "highest(numbers) === mine.number",
    instead: "true",
    killedBy: [LINK_TEST, "a number below one that is held confers nothing"],
  },
  {
    id: "not-freed",
    protects: "who made a number and does not hold it writes `free` into it",
    file: LINK,
    text: `
    await files.free(mine);
    return false;`,
    instead: " return false;",
    killedBy: [
      "packages/backend-fs/test/lock/link-lock.test.ts",
      "a number that was used and tidied away confers nothing",
    ],
  },
  {
    id: "kernel-lock-first",
    protects:
      "the kernel's lock is given back after the record says `free`, since it proves its owner alive until then",
    file: LINK,
    text: "done ||= await files.free(mine);",
    instead: "await pass?.leave(); done ||= await files.free(mine);",
    killedBy: [SCHEDULE, "one at a time in any order of calls"],
  },
  {
    id: "floor-after-unlinking",
    protects: "the floor is raised before the first record below it goes",
    file: FILES,
    text: `
    await replaceFile(this.#fs, this.#floorPath(), floor, { temp: this.#temporary(number) });`,
    instead: "",
    movedBehind: "await this.#remove(join(this.#directory, entry.name));\n    }",
    killedBy: ["packages/backend-fs/test/lock/link-lock.test.ts", "no record goes before the floor is above it"],
  },
  {
    id: "newest-tidied",
    protects: "the newest record is never unlinked",
    file: FILES,
    text: "Number(digits) < number)",
    instead: "Number(digits) <= number)",
    killedBy: [LINK_TEST, "old records are tidied away, the newest never"],
  },
  {
    id: "frees-anothers",
    protects: "only who made a record writes `free` over it",
    file: FILES,
    text: "if (there.some((byte, at) => byte !== record[at])) return false;",
    instead: "",
    killedBy: [LINK_TEST, "who fails to make a number does not free the one that another made"],
  },
  {
    id: "unknown-is-dead",
    protects: "an owner that cannot be watched counts as alive",
    file: JUDGE,
    text: `if (liveness === "dead") return "free";`,
    instead: `if (liveness !== "alive") return "free";`,
    killedBy: [LINK_TEST, "an owner that cannot be watched counts as alive"],
  },
  {
    id: "any-kernel-lock",
    protects: "the kernel's lock proves an owner dead only if it is the very one of its record",
    file: JUDGE,
    text: "kernel === pass.lock && ",
    instead: "",
    killedBy: [LINK_TEST, "the kernel's lock proves an owner of the same machine dead, and no other"],
  },
  {
    id: "any-machine",
    protects: "the kernel's lock says nothing about another machine",
    file: JUDGE,
    text: " && sameMachine(owner, await probe.self())",
    instead: "",
    killedBy: [LINK_TEST, "the kernel's lock proves an owner of the same machine dead, and no other"],
  },
  {
    id: "lost-is-free",
    protects: "a record that says nothing is nobody's leave to go on without the kernel's lock",
    file: JUDGE,
    text: ` && pass !== undefined)) return "free";`,
    instead: `)) return "free";`,
    killedBy: [LINK_TEST, "a record that says nothing is nobody's leave to go on"],
  },
  {
    id: "deleted-lock-file",
    protects: "a kernel lock on a file that somebody has deleted is no lock",
    file: "packages/backend-fs/src/lock/kernel-lock.ts",
    text: "if ((await fs.lstat(path))?.identity !== identity) continue;",
    instead: "",
    killedBy: [
      "packages/backend-fs/test/lock/processes.test.ts",
      "a lock on a file that somebody has deleted meanwhile",
    ],
  },
  {
    id: "breaks-unlooked",
    protects: "who breaks a dead one's upload lock judges again what has the name by then",
    file: UPLOAD,
    text: "if (now && now.holder === undefined) {",
    instead: "if (now) {",
    killedBy: [UPLOAD_TEST, "who breaks looks again: what somebody else has taken meanwhile stays"],
  },
  {
    id: "breaks-unlocked",
    protects: "those who break a dead one's upload lock do so one at a time, under the store's lock",
    file: UPLOAD,
    text: "const release = await this.#o.lock.acquire({ signal });",
    instead: "const release = async () => {}; signal?.throwIfAborted();",
    killedBy: [UPLOAD_TEST, "who breaks looks again: what somebody else has taken meanwhile stays"],
  },
  {
    id: "upload-unlocked",
    protects: "one process at a time writes an upload",
    file: UPLOAD,
    text: "if (await this.#link(temp, path, record)) return",
    instead: "await this.#link(temp, path, record).catch(() => {}); return",
    killedBy: [
      "packages/backend-fs/test/processes/uploads.test.ts",
      "of two processes that write to one upload, one is refused",
    ],
  },
  {
    id: "kernel-before-name",
    protects: "the name of an upload's lock goes before the kernel's lock on it",
    file: UPLOAD,
    text: `await reported("unlock the upload", path, () => unlinkIfThere(this.#fs, path));`,
    instead: `await handle?.close(); await reported("unlock the upload", path, () => unlinkIfThere(this.#fs, path));`,
    killedBy: [
      "packages/backend-fs/test/lock/upload-locks.test.ts",
      "of an owner that is elsewhere, with the kernel's help true, by one with it false",
    ],
    writtenAs: [
      "packages/backend-fs/test/lock/upload-locks.test.ts",
      "of an owner that is %s, with the kernel's help %s",
    ],
  },
  {
    id: "two-handles",
    protects: "one handle of a process at a time writes an upload",
    file: WRITERS,
    text: "if (CHANGING.has(key) || writer?.isBusy) throw lockedHere(id, path);",
    instead: "",
    killedBy: [
      "packages/backend-fs/test/layout/uploads.test.ts",
      "a second writer is told so in the middle of the first one's bytes too",
    ],
  },
  {
    id: "committed-relieved",
    protects: "a committed upload is not taken from its writer before it has its name",
    file: WRITERS,
    text: "if (!writer.handle.mayBeRelieved) throw lockedHere(id, path);",
    instead: "",
    killedBy: [
      "packages/backend-fs/test/layout/uploads.test.ts",
      "a second writer is told so in the middle of the first one's bytes too",
    ],
  },
];
