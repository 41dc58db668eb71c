import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "../../src/model/index.ts";

test.each([
  ["escape sequence", "\u001b[2J", "\\u{1b}[2J"],
  ["line break, carriage return and tab", "a\nb\rc\t", "a\\u{a}b\\u{d}c\\u{9}"],
  ["NUL and DEL", "\0\u007f", "\\u{0}\\u{7f}"],
  ["C1", "\u009b31m", "\\u{9b}31m"],
  ["bidi override", "a\u202eb\u2066c\u061c", "a\\u{202e}b\\u{2066}c\\u{61c}"],
  ["zero width", "a\u200bb\u200dc\ufeffd\u2060", "a\\u{200b}b\\u{200d}c\\u{feff}d\\u{2060}"],
  ["line separators", "\u2028\u2029", "\\u{2028}\\u{2029}"],
  ["tag characters", "\u{e0041}", "\\u{e0041}"],
  ["a filler and a variation selector", "a\u3164b\ufe0f", "a\\u{3164}b\\u{fe0f}"],
  ["an annotation anchor", "\ufff9", "\\u{fff9}"],
  ["half a surrogate pair", "\ud800", "\\u{d800}"],
  ["nothing to do", "latest v1.0 é 日本 😀 \\u{1b}", "latest v1.0 é 日本 😀 \\u{1b}"],
])("B84, 126 %s", (_name, raw, shown) => {
  expect(printable(raw)).toBe(shown);
});

test("the outcome has nothing unseen in it, and is its own outcome", () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) });
  const nasty = fc.array(
    fc.oneof(text, fc.constantFrom("\u001b", "\u009b", "\u202e", "\u200b", "\ud800", "\\", "\u00ad")),
  );
  fc.assert(
    fc.property(nasty, (parts) => {
      const once = printable(parts.join(""));
      expect(once).not.toMatch(/[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u);
      expect(printable(once)).toBe(once);
    }),
  );
});
