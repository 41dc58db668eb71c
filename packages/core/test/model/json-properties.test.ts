import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "../../src/model/index.ts";
import { refused, utf8 } from "./support.ts";

const key = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("__proto__", "constructor", "", "a", "b", '"', "\\", "\\u0061", "\u2028", "1", "01"),
);

/** Any JSON with numbers that are exact and whole characters. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.maxSafeInteger(),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    key,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  ),
}));

test("agrees with JSON.parse on whatever JSON.stringify writes", () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1, "\t"), (original, space) => {
      const text = JSON.stringify(original, undefined, space);
      expect(parseJson(utf8(text))).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

/** A string of JSON in which any character may be written as an escape. */
const spelt = (text: string, escapes: readonly boolean[]) =>
  `"${[...text].map((character, at) => (escapes[at % escapes.length] ? inEscapes(character) : plain(character))).join("")}"`;
const plain = (character: string) => JSON.stringify(character).slice(1, -1);
const inEscapes = (character: string) =>
  character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");

const escapes = fc.array(fc.boolean(), { minLength: 1, maxLength: 4 });

test("finds a key that stands twice, wherever the object is and however the key is spelt", () => {
  const others = fc.uniqueArray(key, { maxLength: 6 });
  fc.assert(
    fc.property(
      others,
      key,
      value,
      escapes,
      escapes,
      fc.nat(),
      fc.nat(),
      (names, twice, inner, one, two, at, level) => {
        const members = names
          .filter((name) => name !== twice)
          .map((name) => `${JSON.stringify(name)}:${JSON.stringify(inner)}`);
        const rest = [...members];
        members.splice(at % (members.length + 1), 0, `${spelt(twice, one)}:${JSON.stringify(inner)}`);
        const single = `{${members.join(",")}}`;
        members.push(`${spelt(twice, two)}:1`);
        const double = `{${members.join(",")}}`;
        const around = (text: string) => `${'{"a":['.repeat(level % 20)}${text}${"]}".repeat(level % 20)}`;
        expect(parseJson(utf8(around(single)))).toEqual(JSON.parse(around(single)));
        expect(parseJson(utf8(around(`{${rest.join(",")}}`)))).toEqual(JSON.parse(around(`{${rest.join(",")}}`)));
        refused("MANIFEST_INVALID", () => parseJson(utf8(around(double))));
      },
    ),
    { numRuns: 500 },
  );
});

test("takes nothing that JSON.parse refuses, and throws nothing but our own error", () => {
  const fragment = fc.constantFrom(
    ...'{}[],:"\\u019ad8-+.eE \n'.split(""),
    "null",
    "true",
    '"a"',
    '"a":1',
    "\\ud800",
    "{}",
    "[]",
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 12 }), (fragments) => {
      const text = fragments.join("");
      let parsed: unknown;
      try {
        parsed = parseJson(utf8(text));
      } catch (error) {
        expect(error).toMatchObject({ name: "OciStoreError", code: "MANIFEST_INVALID" });
        return;
      }
      expect(parsed).toEqual(JSON.parse(text));
    }),
    { numRuns: 2000 },
  );
});
