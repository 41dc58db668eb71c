import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";
import { throughLibrary } from "./support/trials.ts";

for (const { title, library } of ROWS) {
  if (isNot(library)) continue;
  test(title, async () => {
    const { expect: said, calls } = library;
    expect(await throughLibrary(calls)).toEqual(calls.map(() => said));
  });
}
