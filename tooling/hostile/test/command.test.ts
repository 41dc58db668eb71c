import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";
import { lookedAt, throughCommand } from "./support/trials.ts";

for (const [at, row] of ROWS.entries()) {
  const { title, taint, layout, command } = row;
  if (!isNot(command)) {
    test(`${title}: on the command line`, async () => {
      expect(await throughCommand(command, row)).toEqual(command.map((line) => line.expect));
    });
  }
  if (isNot(layout)) continue;
  test(`${title}: what looks at it`, async () => {
    expect(await lookedAt(taint!, at)).toBe(/^[A-Z_]+$/.test(layout.expect) ? `1 ${layout.expect}` : "0");
  });
}
