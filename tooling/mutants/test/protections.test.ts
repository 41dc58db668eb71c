import { expect, test } from "vitest";
import { readRepository } from "../../checks/src/repository.ts";
import { EXEMPT } from "../src/exempt.ts";
import type { Mutant } from "../src/mutant.ts";
import { ALL } from "../src/mutants/index.ts";
import { unprotected } from "../src/protections.ts";

test("each sync, lock and renewal in the code has a mutant, or a reason beside it to have none", () => {
  expect(unprotected(readRepository(), ALL, EXEMPT)).toEqual([]);
  expect(EXEMPT.filter(({ because }) => because.length < 20)).toEqual([]);
});

test("a new one without either is noticed, wherever it is called", () => {
  const file = "packages/core/src/new.ts";
  const text = [
    `import { syncDirectory } from "./files.ts";`,
    "// await handle.sync() is only spoken of",
    "export async function sync(handle: Handle): Promise<void> {",
    "  await handle.sync(); await this.#renew();",
    "  await lock?.acquire({ signal });",
    "}",
  ].join("\n");
  const files = [
    { path: file, text },
    { path: "packages/core/test/new.test.ts", text },
    { path: "tooling/new/src/new.ts", text },
  ];
  const none = (line: number, call: string) => `${file}:${line}: no mutant takes away ${call}`;
  const [sync, renew, acquire] = [
    none(4, "handle.sync()"),
    none(4, "this.#renew()"),
    none(5, "lock?.acquire({ signal })"),
  ];
  expect(unprotected(files, [], [])).toEqual([sync, renew, acquire]);

  const mutant: Mutant = {
    id: "m",
    protects: "p",
    file,
    text: "await handle.sync(); ",
    instead: "",
    killedBy: ["t", "t"],
  };
  expect(unprotected(files, [mutant], [])).toEqual([renew, acquire]);
  const moved = { ...mutant, movedBehind: "{ signal });" };
  expect(unprotected(files, [moved], [])).toEqual([sync, renew, acquire]);
  const because = "it does nothing by itself";
  expect(unprotected(files, [mutant], [{ file, call: "this.#renew(", because }])).toEqual([acquire]);
  expect(unprotected(files, [mutant], [{ file, call: "this.#renewed(", because }])).toEqual([
    renew,
    acquire,
    `${file}: nothing there is this.#renewed(, which is said to need no mutant`,
  ]);
});
