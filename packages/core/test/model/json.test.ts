import { describe, expect, test } from "vitest";
import { field, type JsonObject, MANIFEST_LIMIT, parseJson } from "../../src/model/index.ts";
import { refused, utf8 } from "./support.ts";

describe("refused", () => {
  test.each([
    ["B58 a key twice", '{"a":1,"a":2}'],
    ["B58 a key twice, once escaped", '{"config":1,"\\u0063onfig":2}'],
    ["B58 a key twice, further in", '[{"x":{"b":[],"c":{},"b":[]}}]'],
    ["B58 a key twice, after an object and an array", '{"a":{"z":1},"b":["a"],"a":{}}'],
    ["B58 the empty key twice", '{"":1,"":2}'],
    ["B58 __proto__ twice", '{"__proto__":1,"__proto__":2}'],
    ["B59 byte order mark", "\ufeff{}"],
    ["B60 half a surrogate pair", '["\\ud800"]'],
    ["B60 the other half", '["\\udc00x"]'],
    ["B60 the halves in the wrong order", '["\\udc00\\ud800"]'],
    ["B60 half a surrogate pair as a key", '{"\\uD83D":1}'],
    ["B60 half a pair after a backslash", '["\\\\\\ud800"]'],
    ["B62 trailing garbage", "{}x"],
    ["B62 two documents", "{}{}"],
    ["B62 a comment", "{}// no"],
    ["B62 NaN", "[NaN]"],
    ["B62 minus zero", "[-0]"],
    ["B62 an integer with an exponent", "[1e2]"],
    ["B62 a leading zero", "[01]"],
    ["B62 a lone minus", "[-]"],
    ["B62 a trailing comma", "[1,]"],
    ["B62 a raw control character in a string", '["\n"]'],
    ["B62 a string without end", '["a'],
    ["B62 an escape without end", '["a\\'],
    ["B62 a broken escape in a key", '{"\\x":1}'],
    ["B62 brackets that do not match", "[}"],
    ["B62 too many brackets", "[]]]"],
    ["B63 nothing", ""],
    ["B63 only space", " \n"],
    ["B32 2^53 + 1", "[9007199254740993]"],
    ["B32 2^53", "[9007199254740992]"],
    ["B32 -2^53", "[-9007199254740992]"],
    ["B33 overflow", "[1e400]"],
    ["B33 huge", "[1.5e300]"],
    ["B34 2^63", "[9223372036854775808]"],
    ["B61 depth 101", `${"[".repeat(101)}${"]".repeat(101)}`],
    ["B61 depth 10 000 of objects", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
    ["B61 1 000 000 brackets", "[".repeat(1_000_000)],
  ])("%s", (_row, text) => {
    refused("MANIFEST_INVALID", () => parseJson(utf8(text)));
  });

  test.each([
    ["a lone continuation byte", [0x22, 0x80, 0x22]],
    ["an overlong slash", [0x22, 0xc0, 0xaf, 0x22]],
    ["a surrogate in UTF-8", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a cut sequence", [0x22, 0xe2, 0x82, 0x22]],
    ["UTF-16", [0x5b, 0x00, 0x5d, 0x00]],
  ])("B60 %s", (_name, bytes) => {
    refused("MANIFEST_INVALID", () => parseJson(Uint8Array.from(bytes)));
  });
});

describe("accepted", () => {
  test.each([
    ["B65 an integer with a fraction of zero", "[2.0]", [2]],
    ["the largest safe integers", "[9007199254740991,-9007199254740991]", [2 ** 53 - 1, 1 - 2 ** 53]],
    ["fractions", "[0.5,-1.25,1e-7,12.5e-1]", [0.5, -1.25, 1e-7, 1.25]],
    ["a surrogate pair in escapes", '["\\ud83d\\ude00"]', ["😀"]],
    ["a backslash before what looks like an escape", '["\\\\ud800"]', ["\\ud800"]],
    ["the same key in two objects", '[{"a":1},{"a":{"a":2}}]', [{ a: 1 }, { a: { a: 2 } }]],
    ["a value that equals a key", '{"a":"a","b":["a","a"]}', { a: "a", b: ["a", "a"] }],
    ["keys that differ in case", '{"a":1,"A":2}', { a: 1, A: 2 }],
    [
      "brackets and quotes in strings",
      '{"}":"]","\\"":"{\\"}":1}'.replace('"{\\"}":1', '"{\\"}"'),
      { "}": "]", '"': '{"}' },
    ],
    ["a scalar", " null ", null],
  ])("%s", (_row, text, value) => {
    expect(parseJson(utf8(text))).toEqual(value);
  });

  test("depth 100", () => {
    expect(() => parseJson(utf8(`${"[".repeat(100)}${"]".repeat(100)}`))).not.toThrow();
    refused("MANIFEST_INVALID", () => parseJson(utf8("[[[]]]"), { maxDepth: 2 }));
  });
});

test("B64 exactly the limit is accepted, one byte more is not", () => {
  const full = utf8(`"${"a".repeat(MANIFEST_LIMIT - 2)}"`);
  expect(full.length).toBe(4_194_304);
  expect(parseJson(full)).toHaveLength(MANIFEST_LIMIT - 2);
  const over = refused("MANIFEST_TOO_LARGE", () => parseJson(utf8(`"${"a".repeat(MANIFEST_LIMIT - 1)}"`)));
  expect(over.data).toEqual({ expected: 4_194_304, actual: 4_194_305 });
  expect(parseJson(utf8("[]"), { maxBytes: 2 })).toEqual([]);
  refused("MANIFEST_TOO_LARGE", () => parseJson(utf8("[] "), { maxBytes: 2 }));
});

test("B71 names from the prototype are data if they are there, and absent if not", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const object = parseJson(utf8(`{${names.map((name) => `"${name}":"${name}!"`).join(",")}}`)) as JsonObject;
  for (const name of names) {
    expect(field(object, name)).toBe(`${name}!`);
    expect(field({}, name)).toBeUndefined();
  }
  expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
});

test("a message from here is safe for a terminal and short", () => {
  const key = JSON.stringify(`\u001b[31m\u202e${"k".repeat(100_000)}`);
  const { message } = refused("MANIFEST_INVALID", () => parseJson(utf8(`{${key}:1,${key}:2}`)));
  expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(message.length).toBeLessThan(300);
});
