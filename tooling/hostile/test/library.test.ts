import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";
import { throughLibrary } from "./support/trials.ts";

for (const row of ROWS) {
  const { title, library } = row;
  if (isNot(library)) continue;
  test(title, async () => {
    expect(await throughLibrary(library.calls, row)).toEqual(library.calls.map(() => library.expect));
  });
}
