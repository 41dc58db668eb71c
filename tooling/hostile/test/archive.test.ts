import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";
import { inArchive } from "./support/trials.ts";

for (const { title, taint, archive } of ROWS) {
  if (isNot(archive)) continue;
  test(title, async () => {
    expect(await inArchive(taint!)).toBe(archive.expect);
  });
}
