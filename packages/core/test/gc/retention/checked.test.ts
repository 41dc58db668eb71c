import { expect, test } from "vitest";
import { checkedRetention } from "../../../src/index.ts";

test.each([
  ["all and none", [{ keep: "all" }, { match: ["v*"], keep: "none" }]],
  ["every reason", [{ match: ["**", "!x"], keep: { last: 0, younger: 1, versions: { newest: 2, of: "minor" } } }]],
  ["none at all", []],
])("%s: %j", (_, rules) => {
  expect(checkedRetention(rules)).toEqual(rules);
});

test.each([
  ["not a list", { keep: "all" }],
  ["a rule that is none", [null]],
  ["a word nobody knows", [{ keep: "some" }]],
  ["nothing to keep", [{ keep: {} }]],
  ["no word on keeping", [{ match: ["*"] }]],
  ["a slip of the pen", [{ keep: { lsat: 3 } }]],
  ["another one", [{ keep: "all", macth: ["*"] }]],
  ["a pattern that is none", [{ match: [3], keep: "all" }]],
  ["no pattern", [{ match: [], keep: "all" }]],
  ["nothing but exceptions", [{ match: ["!x"], keep: "all" }]],
  ["less than none", [{ keep: { last: -1 } }]],
  ["half a tag", [{ keep: { last: 1.5 } }]],
  ["words for a number", [{ keep: { younger: "7d" } }]],
  ["versions of something else", [{ keep: { versions: { newest: 1, of: "patch" } } }]],
  ["versions without a number", [{ keep: { versions: {} } }]],
  ["what an object inherits", [Object.create({ keep: "all" })]],
])("refused: %s", (_, rules) => {
  expect(() => checkedRetention(rules)).toThrow(TypeError);
});
