import { expect, test } from "vitest";
import { formatAge, formatDuration, parseDuration } from "../src/duration.ts";

test.each([
  ["0", 0],
  ["90s", 90_000],
  ["15m", 900_000],
  ["1h", 3_600_000],
  ["7d", 604_800_000],
  ["2w", 1_209_600_000],
  ["0h", 0],
])("%s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "1", "-1h", "1.5h", "1 h", "h", "1y", "1H", "99999999w", "1h30m"])("no duration: %j", (text) => {
  expect(() => parseDuration(text)).toThrow("a duration is written");
});

test("written down again", () => {
  expect([0, 5, 90_000, 3_600_000, 86_400_000, 5400_000].map(formatDuration)).toEqual([
    "0",
    "5ms",
    "90s",
    "1h",
    "1d",
    "90m",
  ]);
  expect([0, 999, 61_000, 7_300_000, 9e8].map(formatAge)).toEqual(["0s", "0s", "1m", "2h", "10d"]);
});
