import { describe, expect, test } from "vitest";
import {
  algorithmOf,
  createHasher,
  digestOf,
  encodedOf,
  isDigest,
  parseDigest,
  parseForeignDigest,
} from "../../src/model/index.ts";
import { EMPTY_SHA256, refused, utf8 } from "./support.ts";

const a = (count: number) => "a".repeat(count);

describe("never a digest", () => {
  test.each([
    ["B1", "sha256:../../../../etc/passwd"],
    ["B2", "sha256:.."],
    ["B3", `../blobs/sha256:${a(64)}`],
    ["B4", "sha256:%2e%2e%2fetc"],
    ["B5", `sha256:${a(64)}/x`],
    ["B6", `sha256:${a(64)}\0`],
    ["B7", `sha256:${"A".repeat(64)}`],
    ["B8", `SHA256:${a(64)}`],
    ["B9", `sha256:${a(63)}`],
    ["B9", `sha256:${a(65)}`],
    ["B10", "sha256:"],
    ["B11", a(64)],
    ["B12", `sha256:sha256:${a(64)}`],
    ["B13", `sha256:${a(64)}\n`],
    ["B14", ` sha256:${a(64)}`],
    ["B15", `sha256:${"а".repeat(64)}`],
    ["B15", `ｓha256:${a(64)}`],
    ["B16", `sha256:${a(10_000)}`],
    ["B16", `${"a.".repeat(5000)}:a`],
    ["B17", `sha512:${a(64)}`],
    ["B17", `sha256:${a(128)}`],
    ["B24", "sha256+foo+-b:aa"],
    ["B25", "a/b:aa"],
    ["B25", ".:aa"],
    ["B25", "..:aa"],
    ["B25", "__proto__:aa"],
  ])("%s %j", (_row, text) => {
    expect(isDigest(text)).toBe(false);
    refused("DIGEST_INVALID", () => parseDigest(text));
    refused("DIGEST_INVALID", () => parseForeignDigest(text));
  });
});

describe("valid in a descriptor, but nothing that can be stored", () => {
  test.each([
    ["B19", `md5:${a(32)}`],
    ["B19", `sha1:${a(40)}`],
    ["B20", `blake3:${a(64)}`],
    ["B21", "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"],
    ["B22", "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"],
    ["B23", "sha256.foo-bar:c86f7763873b6c0aae22d963bab59b4f5debbed6685761b5951584f6efb0633b"],
    ["B25", "constructor:aa"],
  ])("%s %j", (_row, text) => {
    refused("DIGEST_INVALID", () => parseDigest(text));
    expect(parseForeignDigest(text)).toBe(text);
  });
});

test("B18, B19 sha384 and sha512 are digests like sha256", () => {
  for (const algorithm of ["sha256", "sha384", "sha512"] as const) {
    const hasher = createHasher(algorithm);
    hasher.update(utf8("a"));
    hasher.update(utf8("b"));
    const digest = hasher.digest();
    expect(digest).toBe(digestOf(utf8("ab"), algorithm));
    expect(parseDigest(digest)).toBe(digest);
    expect(`${algorithmOf(digest)}:${encodedOf(digest)}`).toBe(digest);
    expect(algorithmOf(digest)).toBe(algorithm);
  }
  expect(digestOf(new Uint8Array(0))).toBe(EMPTY_SHA256);
  refused("DIGEST_INVALID", () => createHasher("md5"));
});
