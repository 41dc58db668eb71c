import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Digest, decideRetention, type RetentionRule } from "../../../src/index.ts";

const NOW = 1_764_000_000_000;
const DAY = 86_400_000;
const digest = `sha256:${"0".repeat(64)}` as Digest;

/** Tags with their age in days. */
const tags = (ages: Record<string, number | undefined>) =>
  Object.entries(ages).map(([name, age]) => ({
    name,
    digest,
    pushed: age === undefined ? undefined : NOW - age * DAY,
  }));

const kept = (ages: Record<string, number | undefined>, rules: readonly RetentionRule[]) =>
  decideRetention(tags(ages), rules, NOW)
    .filter(({ keep }) => keep)
    .map(({ name }) => name);

const reasons = (ages: Record<string, number | undefined>, rules: readonly RetentionRule[]) =>
  Object.fromEntries(
    decideRetention(tags(ages), rules, NOW).map(({ name, keep, reason }) => [
      name,
      `${keep ? "keeps" : "goes"}: ${reason}`,
    ]),
  );

describe("rules about tags", () => {
  test("without a rule all are kept", () => {
    expect(reasons({ a: 1 }, [])).toEqual({ a: "keeps: no rule speaks of it" });
  });

  test("the last so many, by the time of their push and then by name", () => {
    expect(kept({ a: 3, b: 1, c: 2, d: 1 }, [{ keep: { last: 2 } }])).toEqual(["b", "d"]);
    expect(kept({ a: 3, b: 1 }, [{ keep: { last: 0 } }])).toEqual([]);
    expect(reasons({ a: 3, b: 1 }, [{ keep: { last: 1 } }])).toEqual({
      a: "goes: rule 1: number 2, and the last 1 are kept",
      b: "keeps: rule 1: number 1 of the last 1",
    });
  });

  test("what is younger; at the very age it is not", () => {
    expect(reasons({ a: 6, b: 7, c: 8 }, [{ keep: { younger: 7 * DAY } }])).toEqual({
      a: "keeps: rule 1: pushed 6d ago, less than 7d",
      b: "goes: rule 1: pushed 7d ago, 7d or more",
      c: "goes: rule 1: pushed 8d ago, 7d or more",
    });
  });

  test("what any of several reasons keeps is kept", () => {
    expect(
      kept({ a: 30, b: 20, c: 1, "1.0.0": 40 }, [{ keep: { last: 1, younger: 25 * DAY, versions: { newest: 1 } } }]),
    ).toEqual(["b", "c", "1.0.0"]);
  });

  test("the first rule that speaks of a tag decides, and the next counts only what is left", () => {
    const rules: RetentionRule[] = [
      { match: ["v*"], keep: "all" },
      { match: ["pr-*"], keep: "none" },
      { match: ["**"], keep: { last: 1 } },
    ];
    expect(kept({ v1: 1, "pr-1": 2, main: 3, "team/x": 4 }, rules)).toEqual(["v1", "main"]);
    expect(reasons({ "pr-1": 0 }, rules)).toEqual({ "pr-1": "goes: rule 2, pr-*: none of these is kept" });
  });

  test("the newest versions, of all, of each major and of each minor one", () => {
    const ages = {
      "1.0.0": 9,
      "1.0.1": 8,
      "1.1.0": 7,
      "v2.0.0-rc.1": 6,
      "v2.0.0": 5,
      "2.1.0": 1,
      "10.0.0": 0,
      latest: 3,
    };
    const newest = (of: "all" | "major" | "minor", count = 1) =>
      kept(ages, [{ keep: { versions: { newest: count, of } } }, { keep: "none" }]);
    expect(newest("all")).toEqual(["10.0.0"]);
    expect(newest("all", 2)).toEqual(["2.1.0", "10.0.0"]);
    expect(newest("major")).toEqual(["1.1.0", "2.1.0", "10.0.0"]);
    expect(newest("minor")).toEqual(["1.0.1", "1.1.0", "v2.0.0", "2.1.0", "10.0.0"]);
  });

  test("a rule that asks for versions alone says nothing about what is none", () => {
    expect(reasons({ latest: 1, "1.0.0": 1 }, [{ keep: { versions: { newest: 0 } } }])).toEqual({
      latest: "keeps: no rule speaks of it",
      "1.0.0": "goes: rule 1: number 1 of the versions, and the 0 newest are kept",
    });
  });

  test("what came at a time that nobody knows goes by no rule about time", () => {
    expect(kept({ a: undefined, b: 9 }, [{ keep: { last: 0, younger: DAY } }])).toEqual(["a"]);
    expect(kept({ a: undefined }, [{ keep: "none" }])).toEqual([]);
  });

  test("patterns: no slash for `*`, any for `**`, and `!` takes out again", () => {
    const names = { a: 0, "x/a": 0, ab: 0, "x/y/a": 0, "sha-1": 0 };
    const going = (...match: string[]) =>
      Object.keys(names).filter((name) => !kept(names, [{ match, keep: "none" }]).includes(name));
    expect(going("*")).toEqual(["a", "ab", "sha-1"]);
    expect(going("**")).toEqual(Object.keys(names));
    expect(going("**/a")).toEqual(["x/a", "x/y/a"]);
    expect(going("x/*")).toEqual(["x/a"]);
    expect(going("a?")).toEqual(["ab"]);
    expect(going("?")).toEqual(["a"]);
    expect(going("**", "!sha-*")).toEqual(["a", "x/a", "ab", "x/y/a"]);
    expect(going("!a", "a*")).toEqual(["a", "ab"]);
    expect(going("a.*")).toEqual([]);
  });

  test("versions in the order that semver.org gives as its example", () => {
    const order = [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
    ];
    for (const count of order.keys()) {
      const ages = Object.fromEntries([...order].reverse().map((name) => [name, 0]));
      const newest = kept(ages, [{ keep: { versions: { newest: count } } }]);
      expect(newest.sort()).toEqual(order.slice(order.length - count).sort());
    }
    const none = { "1.0": 0, "01.0.0": 0, "1.0.0-01": 0, "1.0.0-": 0, "1.0.0-a..b": 0 };
    expect(kept(none, [{ keep: { versions: { newest: 0 } } }])).toEqual(Object.keys(none));
  });

  test("whatever the rules, each tag has one decision, and more to keep never takes more away", () => {
    const tag = fc.constantFrom("a", "b", "v1", "1.0.0", "1.1.0", "2.0.0", "x/y");
    const rule = fc.record({
      match: fc.constantFrom(undefined, ["*"], ["v*"], ["**", "!x/**"]),
      keep: fc.constantFrom("all" as const, "none" as const, "count" as const),
    });
    const all = fc.record({
      ages: fc.dictionary(tag, fc.nat({ max: 20 })),
      rules: fc.array(rule, { maxLength: 3 }),
      last: fc.nat({ max: 5 }),
    });
    fc.assert(
      fc.property(all, ({ ages, rules, last }) => {
        const of = (count: number) =>
          rules.map(({ match, keep }): RetentionRule => ({ match, keep: keep === "count" ? { last: count } : keep }));
        const decisions = decideRetention(tags(ages), of(last), NOW);
        expect(decisions.map(({ name }) => name)).toEqual(Object.keys(ages));
        const more = new Set(kept(ages, of(last + 1)));
        for (const name of kept(ages, of(last))) expect(more).toContain(name);
      }),
    );
  });

  test("a pattern made to be slow is not", () => {
    const name = `${"a".repeat(127)}b`;
    expect(kept({ [name]: 1 }, [{ match: [`${"*a".repeat(60)}*c`], keep: "none" }])).toEqual([name]);
  });
});
