import { expect, test } from "vitest";
import { lookFaults, type Operation, operationsOf, refusalFaults, TagHistory, tagFaults } from "../src/history.ts";
import type { Line, Look } from "../src/journal.ts";

// That the judge sees what it is there for: each of these would be a fault of the store, made up here.

const [A, B] = ["sha256:a", "sha256:b"];

function operation(start: number, end: number, to: string | null, more: Partial<Operation> = {}): Operation {
  const effects = [{ tag: "t", to }];
  return { who: "w", what: "tag", start, end, outcome: "done", effects, keeps: [], takes: [], ...more };
}

const tagsAtTheEnd = (operations: readonly Operation[], on: string | null) =>
  tagFaults(new TagHistory(operations), new Map(on === null ? [] : [["t", on]]));

test("a tag that was acknowledged and is not there at the end is a finding", () => {
  expect(tagsAtTheEnd([operation(1, 2, A)], A)).toEqual([]);
  expect(tagsAtTheEnd([operation(1, 2, A)], null)).toEqual([`t is on null, not on ${A}`]);
});

test("a tag that nobody has set, or that has been taken away, is a finding", () => {
  expect(tagsAtTheEnd([], A)).toEqual([`t is on ${A}, not on null`]);
  expect(tagsAtTheEnd([operation(1, 2, A), operation(3, 4, null)], A)).toEqual([`t is on ${A}, not on null`]);
});

test("of two operations at the same time either may have been the last", () => {
  const both = [operation(1, 3, A), operation(2, 4, B)];
  expect(tagsAtTheEnd(both, A)).toEqual([]);
  expect(tagsAtTheEnd(both, B)).toEqual([]);
  expect(tagsAtTheEnd(both, null)).not.toEqual([]);
});

test("what a process did when it was killed may have happened, and not after its death", () => {
  const killed = operation(3, 4, B, { outcome: "unknown" });
  expect(tagsAtTheEnd([operation(1, 2, A), killed], A)).toEqual([]);
  expect(tagsAtTheEnd([operation(1, 2, A), killed], B)).toEqual([]);
  expect(tagsAtTheEnd([operation(5, 6, A), killed], B)).toEqual([`t is on ${B}, not on ${A}`]);
});

test("what was refused has changed nothing", () => {
  const refused = operation(3, 4, B, { outcome: "refused", code: "CONFLICT" });
  expect(tagsAtTheEnd([operation(1, 2, A), refused], B)).toEqual([`t is on ${B}, not on ${A}`]);
});

const look = (start: number, end: number, saw: string | null, broken?: string): Look & { readonly who: string } => ({
  who: "r",
  what: "read",
  tag: "t",
  start,
  end,
  saw,
  ...(broken !== undefined && { broken }),
});

test("a reader that sees no tag, or an old one, while it moves, is a finding", () => {
  const history = new TagHistory([operation(1, 2, A), operation(5, 8, B)]);
  expect(lookFaults(history, [look(3, 4, A), look(6, 7, A), look(6, 7, B), look(9, 10, B)])).toEqual([]);
  expect(lookFaults(history, [look(6, 7, null)])).toEqual([`r: read saw t on null, not on ${A} or ${B}`]);
  expect(lookFaults(history, [look(9, 10, A)])).toEqual([`r: read saw t on ${A}, not on ${B}`]);
  expect(lookFaults(history, [look(3, 4, B)])).toEqual([`r: read saw t on ${B}, not on ${A}`]);
});

test("a reader that finds less than an image is a finding, unless its tag may have gone meanwhile", () => {
  const history = new TagHistory([operation(1, 2, A), operation(5, 8, null)]);
  expect(lookFaults(history, [look(3, 6, A, "NOT_FOUND"), look(4, 9, A, "NOT_FOUND")])).toEqual([]);
  expect(lookFaults(history, [look(3, 4, A, "NOT_FOUND")])).toEqual([`r: read of t, on ${A}: NOT_FOUND`]);
});

test("an operation that is refused as none should be is a finding", () => {
  const refused = (code: string) => operation(1, 2, A, { what: "untag", outcome: "refused", code, message: "why" });
  expect(refusalFaults([refused("NOT_FOUND")], false)).toEqual([]);
  expect(refusalFaults([refused("LAYOUT_INVALID")], true)).toEqual([]);
  expect(refusalFaults([refused("LAYOUT_INVALID")], false)).toEqual(["w: untag failed: LAYOUT_INVALID why"]);
  expect(refusalFaults([refused("MISSING_CONTENT")], true)).toEqual(["w: untag failed: MISSING_CONTENT why"]);
});

test("a journal is read up to where its process was killed", () => {
  const intent = { what: "tag", effects: [{ tag: "t", to: A }] };
  const lines: Line[] = [
    { n: 1, at: 1, begin: intent },
    { n: 1, at: 2, end: { outcome: "done", effects: [] } },
    { n: 2, at: 3, begin: intent },
  ];
  expect(operationsOf("w", lines, 4)).toMatchObject([
    { start: 1, end: 2, outcome: "done", effects: [] },
    { start: 3, end: 4, outcome: "unknown", effects: intent.effects },
  ]);
});
