import type { Mutant } from "../mutant.ts";

const LINK = "packages/backend-fs/src/lock/link-lock.ts";
const JUDGE = "packages/backend-fs/src/lock/judge.ts";
const FILES = "packages/backend-fs/src/lock/lock-files.ts";
const UPLOAD = "packages/backend-fs/src/lock/upload-locks.ts";
const LINK_TEST = "packages/backend-fs/test/lock/link-lock.test.ts";
const SCHEDULE = "packages/backend-fs/test/lock/link-lock-schedule.test.ts";
const UPLOAD_TEST = "packages/backend-fs/test/lock/upload-locks.test.ts";
const WRITERS = "packages/backend-fs/src/layout/writers.ts";
const CATALOG = "packages/core/src/catalog/cell-catalog.ts";
const MUTEX = "packages/backend-fs/src/lock/mutex.ts";
const MUTEX_TEST = "packages/backend-fs/test/lock/mutex.test.ts";

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
  {
    id: "update-unlocked",
    protects: "a command is worked out and put into effect by one at a time",
    file: CATALOG,
    text: "return this.#cell.exclusive(() => this.#attempt(o, command), o);",
    instead: "return this.#attempt(o, command);",
    killedBy: [
      "packages/backend-fs/test/protocol/grace.test.ts",
      "the question comes while it is erased: the answer waits",
    ],
  },
  {
    id: "purge-unlocked",
    protects: "marking, erasing and forgetting are one step for everybody else, where names are fixed",
    file: CATALOG,
    text: "return this.#cell.exclusive(work, { ...o, frees: true });",
    instead: "return work();",
    killedBy: [
      "packages/backend-fs/test/protocol/grace.test.ts",
      "the question comes while it is erased: the answer waits",
    ],
  },
  {
    id: "replace-unlocked",
    protects: "a damaged copy is looked at and replaced in one step",
    file: CATALOG,
    text: "return this.#cell.exclusive(async () => {",
    instead: "return ((run: () => Promise<boolean>, _: unknown) => run())(async () => {",
    killedBy: ["packages/backend-fs/test/layout/locked.test.ts", "who does not get the lock replaces no copy"],
  },
  {
    id: "memory-unlocked",
    protects: "one at a time in memory, too",
    file: "packages/core/src/memory/memory-cell.ts",
    text: "exclusive: (fn, o) => mutex.run(fn, o),",
    instead: "exclusive: (fn) => fn(),",
    killedBy: ["packages/core/test/memory/memory-cell.test.ts", "one at a time, in the order of asking"],
  },
  {
    id: "mutex-not-taken",
    protects: "the same, of locks on one file",
    file: MUTEX,
    text: "unlock = await mutex.lock(env, path, o);",
    instead: "",
    killedBy: [MUTEX_TEST, "locks on one file share a mutex, others do not"],
  },
  {
    id: "inner-not-taken",
    protects: "whoever has the queue of its process takes the lock among processes besides",
    file: MUTEX,
    text: "await inner.acquire({ ...o, wait: remaining(o.wait, env.now() - started) });",
    instead: "async () => {};",
    killedBy: [MUTEX_TEST, "a lock that could not be taken is not held"],
  },
  {
    id: "number-taken-twice",
    protects: "a number has one holder, whoever else has made it meanwhile",
    file: FILES,
    text: "return mine !== undefined && mine.identity === there?.identity;",
    instead: "return mine !== undefined && there !== undefined;",
    killedBy: [SCHEDULE, "one at a time in any order of calls"],
  },
  {
    id: "no-kernel-lock",
    protects: "the kernel's lock is held beside the number",
    file: LINK,
    text: "pass = await o.kernel?.(patience, () => kernelHolder(files));",
    instead: "",
    killedBy: [LINK_TEST, "a record that says nothing is nobody's leave to go on"],
  },
  {
    id: "kernel-lock-unasked",
    protects: "the kernel's lock is one that the kernel has given",
    file: "packages/backend-fs/src/lock/kernel-lock.ts",
    text: `return locks.tryLock(fd) ? "locked" : "busy";`,
    instead: `return (locks.tryLock(fd), "locked");`,
    killedBy: [
      "packages/backend-fs/test/lock/kernel-lock.test.ts",
      "a lock that the kernel has given to another is waited for",
    ],
  },
  {
    id: "kernel-help-left-out",
    protects: "the kernel's help is taken where it can be had",
    file: "packages/backend-fs/src/lock/choose-lock.ts",
    text: "const pass = await enterKernelLock(fs, path, locks, patience, busy);",
    instead: "const pass = undefined; void [fs, locks, patience, busy];",
    killedBy: ["packages/backend-fs/test/lock/choose-lock.test.ts", "the kernel's help is taken where it can be had"],
  },
  {
    id: "upload-kernel-unasked",
    protects: "an upload's lock is a dead one's only if the kernel says so",
    file: UPLOAD,
    text: 'return locks !== undefined && tryFileLock(locks, handle.fd!) === "locked";',
    instead: "return locks !== undefined;",
    killedBy: [UPLOAD_TEST, "an owner that cannot be seen and has the kernel's lock is alive"],
  },
  {
    id: "upload-lock-not-taken",
    protects: "who writes to an upload has its lock",
    file: WRITERS,
    text: "const lock = await this.#locks.take(this.#paths.uploadLock(id), { ...o, temp });",
    instead: "const lock = { release: async () => void temp };",
    killedBy: ["packages/backend-fs/test/layout/uploads.test.ts", "a second writer in the same process is told so"],
  },
  {
    id: "repair-unlocked",
    protects: "a repair has the lock of the layout",
    file: "packages/backend-fs/src/repair/upkeep.ts",
    text: "const release = await lock.acquire({ signal });",
    instead: "const release = async () => void lock;",
    killedBy: ["packages/backend-fs/test/repair/crash.test.ts", "a repair that does not get the lock changes nothing"],
  },
  {
    id: "lease-not-asked",
    protects: "R22: who does not get the lease does not collect",
    file: "packages/core/src/gc/lease.ts",
    text: 'const epoch = await catalog.lease("collect", LEASE, o);',
    instead: 'const epoch = (await catalog.lease("collect", LEASE, o)) ?? 0;',
    killedBy: ["packages/core/test/gc/lease.test.ts", "while one collects, a second is refused"],
  },
  {
    id: "collect-unleased",
    protects: "R22: a collection takes the lease",
    file: "packages/core/src/gc/collect.ts",
    text: "return withLease(parts, o, async (epoch) => {",
    instead:
      "return ((_: unknown, __: unknown, work: (epoch: undefined) => Promise<CollectReceipt>) => work(undefined))(parts, o, async (epoch) => {",
    killedBy: ["packages/core/test/gc/lease.test.ts", "while one collects, a second is refused"],
  },
  {
    id: "apply-unleased",
    protects: "R22: so does the plan of one that is applied later",
    file: "packages/core/src/gc/collect.ts",
    text: "return withLease(parts, o, async (epoch) => ({",
    instead:
      "return ((_: unknown, __: unknown, work: (epoch: undefined) => Promise<CollectReceipt>) => work(undefined))(parts, o, async (epoch) => ({",
    killedBy: ["packages/core/test/gc/lease.test.ts", "while one collects, a second is refused"],
  },
  {
    id: "lease-ended-by-others",
    protects: "R24: who was followed does not end the lease of its follower",
    file: CATALOG,
    text: "if (draft.leases.get(name)?.epoch === epoch) draft",
    instead: "draft",
    killedBy: ["packages/core/test/gc/lease.test.ts", "a lease that was given back late does not end the next one's"],
  },
  {
    id: "lease-renewal-unasked",
    protects: "R24: a collector asks for its lease before each lot",
    file: "packages/core/src/gc/lease.ts",
    text: '(await catalog.lease("collect", LEASE, { ...o, renew: epoch })) !== undefined',
    instead: "catalog !== undefined",
    killedBy: ["packages/core/test/gc/lease.test.ts", "a collector that works renews its lease"],
  },
];
