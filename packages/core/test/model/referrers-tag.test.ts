import { expect, test } from "vitest";
import { digestOf, isTag, parseForeignDigest, parseMachineryTag, referrersTag } from "../../src/model/index.ts";
import { utf8 } from "./support.ts";

const long =
  "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLotsAndLotsOfCharactersToExcerciseEncodedTruncation";

test.each([
  [`sha256:${"a".repeat(64)}`, `sha256-${"a".repeat(64)}`],
  [`sha512:${"a".repeat(128)}`, `sha512-${"a".repeat(64)}`],
  [long, "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSectionToShowHyphenReplacementAndLotsAndLot"],
])("the examples of the specification: %s", (digest, tag) => {
  expect(referrersTag(parseForeignDigest(digest))).toBe(tag);
  expect(isTag(tag)).toBe(true);
});

test("a referrers tag is known again, for every algorithm", () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const digest = digestOf(utf8("x"), algorithm);
    const name = referrersTag(digest);
    expect(parseMachineryTag(name)).toEqual({ name, form: "referrers" });
    const whole = digest.replace(":", "-");
    expect(parseMachineryTag(whole)).toEqual({ name: whole, form: "referrers" });
    for (const suffix of [".sig", ".att", ".sbom"]) {
      expect(parseMachineryTag(whole + suffix)).toEqual({ name: whole, form: "signature" });
    }
  }
});

const hex = "a".repeat(64);
test.each([
  "latest",
  `sha256-${hex}0`,
  `sha256-${hex.slice(1)}`,
  `sha256-${hex.toUpperCase()}`,
  `SHA256-${hex}`,
  `md5-${hex}`,
  `sha256:${hex}`,
  `sha256-${hex}.`,
  `sha256-${hex}.sigx`,
  `sha256-${hex}.sig.att`,
  `sha256-${hex}\n`,
  `x-sha256-${hex}`,
  `sha384-${hex}${hex}`,
])("%j is a tag like any other", (tag) => {
  expect(parseMachineryTag(tag)).toBeUndefined();
});
