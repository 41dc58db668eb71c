import type { Mutant } from "../mutant.ts";

const DURABLE = "packages/backend-fs/src/files/durable.ts";
const UPLOAD = "packages/backend-fs/src/layout/upload.ts";
const ASIDE = "packages/backend-fs/src/repair/aside.ts";
const DURABLE_TEST = "packages/backend-fs/test/files/durable.test.ts";
const POWER = "tooling/crash/test/power-loss.test.ts";
const LOST = "power lost before any call that changes or syncs something";

/** What is acknowledged is durable, and what is built on is durable first. */
export const DURABILITY: readonly Mutant[] = [
  {
    id: "replace-no-sync",
    protects: "the bytes of index.json, and of every file of ours, are durable before the name shows them",
    file: DURABLE,
    after: "export function replaceFile",
    text: "await handle.sync();",
    instead: "",
    killedBy: [DURABLE_TEST, "replaceFile syncs the bytes before the rename and the directory after it"],
  },
  {
    id: "replace-no-directory-sync",
    protects: "the rename of index.json, and of every file of ours, is durable before anybody is told",
    file: DURABLE,
    after: "export function replaceFile",
    text: "await fs.syncDirectory(dirname(path));",
    instead: "",
    killedBy: [DURABLE_TEST, "replaceFile syncs the bytes before the rename and the directory after it"],
  },
  {
    id: "create-no-sync",
    protects: "the bytes of a file that must not be there twice are durable before it has its name",
    file: DURABLE,
    after: "export function createFile",
    text: "await handle.sync();",
    instead: "",
    killedBy: [POWER, `${LOST} init`],
    writtenAs: [POWER, LOST],
  },
  {
    id: "create-no-directory-sync",
    protects: "the name of a file that must not be there twice is durable before anybody is told",
    file: DURABLE,
    after: "export function createFile",
    text: "await fs.syncDirectory(dirname(path));",
    instead: "",
    killedBy: [POWER, `${LOST} init`],
    writtenAs: [POWER, LOST],
  },
  {
    id: "directory-no-sync",
    protects: "a directory is durable before something is put into it, whoever made it",
    file: DURABLE,
    after: "export function makeDirectory",
    text: "await fs.syncDirectory(dirname(path));",
    instead: "",
    killedBy: [DURABLE_TEST, "makeDirectory is idempotent and syncs the parent every time"],
  },
  {
    id: "blob-no-sync",
    protects: "the bytes of a blob are durable before they have its name",
    file: UPLOAD,
    text: `await reported("make the upload durable", this.#path, () => handle.sync());`,
    instead: "",
    killedBy: [POWER, `${LOST} push`],
    writtenAs: [POWER, LOST],
  },
  {
    id: "blob-no-directory-sync",
    protects: "the name of a blob is durable before anybody is told",
    file: UPLOAD,
    text: "await this.#fs.syncDirectory(directory);",
    instead: "",
    killedBy: [POWER, `${LOST} push`],
    writtenAs: [POWER, LOST],
  },
  {
    id: "moves-no-sync",
    protects: "what comes back from the trash is durable there before index.json names it",
    file: "packages/backend-fs/src/sidecar/trash.ts",
    text: "if (await fs.lstat(directory)) await fs.syncDirectory(directory);",
    instead: "void fs;",
    killedBy: [POWER, `${LOST} undo`],
    writtenAs: [POWER, LOST],
  },
  {
    id: "unsettled",
    protects: "what the dead have left is made durable before anything is built on it",
    file: "packages/backend-fs/src/layout/cell.ts",
    text: "await this.#settled.settle(...this.#directories());",
    instead: "",
    killedBy: [POWER, "killed before any call, done again by another process, and then power lost push"],
    writtenAs: [POWER, "killed before any call, done again by another process, and then power lost"],
  },
  {
    id: "aside-no-sync",
    protects: "what a repair sets aside is durable there before its old name is gone",
    file: ASIDE,
    text: "await this.#fs.syncDirectory(damaged);",
    instead: "",
    killedBy: [POWER, `${LOST} repair`],
    writtenAs: [POWER, LOST],
  },
];
