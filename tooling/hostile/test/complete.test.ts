import { expect, test } from "vitest";
import { ROWS } from "./rows/all.ts";
import { isNot } from "./support/row.ts";

const IDS = [...Array.from({ length: 96 }, (_, at) => at + 1), 126].map((id) => `B${id}`);
/** Shown elsewhere: hostile archives by a table of their own, and no part of the store hears HTTP. */
const ELSEWHERE = ["B85", "B95", "B96"];

test("each id of the catalogue has a row, and each row a surface", () => {
  const ids = ROWS.map(({ title }) => title.split(" ")[0]);
  expect(IDS.filter((id) => !ids.includes(id) && !ELSEWHERE.includes(id))).toEqual([]);
  const idle = ROWS.filter((row) => [row.library, row.layout, row.archive, row.command].every(isNot));
  expect(idle.map(({ title }) => title)).toEqual([]);
});

test("no two rows are called the same", () => {
  const titles = ROWS.map(({ title }) => title);
  expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
});

test("the prototype of all objects is as it was", () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
