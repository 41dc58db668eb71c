import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";
import { inLayout } from "./support/trials.ts";

for (const { title, taint, layout } of ROWS) {
  if (isNot(layout)) continue;
  test(title, async () => {
    expect(await inLayout(taint!)).toBe(layout.expect);
  });
}
