import { describe, expect, test } from "vitest";
import {
  type Descriptor,
  descriptorOf,
  digestOf,
  formatPlatform,
  type JsonValue,
  parseAnnotations,
  parseDescriptor,
  parseJson,
} from "../../src/model/index.ts";
import { described, EMPTY_SHA256, refused, utf8 } from "./support.ts";

/** A descriptor of "hello" with some fields replaced; `undefined` takes one out. */
function hello(changes: Record<string, unknown> = {}): JsonValue {
  const base = { mediaType: "application/vnd.example", digest: digestOf(utf8("hello")), size: 5 };
  return parseJson(utf8({ ...base, ...changes }));
}

const bad = (changes: Record<string, unknown>) =>
  refused("MANIFEST_INVALID", () => parseDescriptor(hello(changes), "layers[3]"));

describe("refused", () => {
  test.each<[string, Record<string, unknown>]>([
    ["B27 size -1", { size: -1 }],
    ["B28 size in quotes", { size: "5" }],
    ["B29 size with a fraction", { size: 1.5 }],
    ["B30 size null", { size: null }],
    ["B30 size missing", { size: undefined }],
    ["B31 size true", { size: true }],
    ["B38 size 0 with the digest of something", { size: 0 }],
    ["B38 the digest of nothing with a size", { digest: EMPTY_SHA256 }],
    ["B38 the same in sha512", { digest: digestOf(new Uint8Array(0), "sha512") }],
    ["B39 mediaType missing", { mediaType: undefined }],
    ["B39 mediaType empty", { mediaType: "" }],
    ["B39 mediaType a number", { mediaType: 1 }],
    ["B40 mediaType without subtype", { mediaType: "application" }],
    ["B41 mediaType starts with a dot", { mediaType: ".foo/bar" }],
    ["B42 subtype starts with a dot", { mediaType: "foo/.bar" }],
    ["B43 type of 128", { mediaType: `${"a".repeat(128)}/b` }],
    ["B43 subtype of 128", { mediaType: `a/${"b".repeat(128)}` }],
    ["B44 mediaType with a line break", { mediaType: "application/json\r\nX-Evil: 1" }],
    ["B44 mediaType with a line break at the end", { mediaType: "application/json\n" }],
    ["B44 mediaType with parameters", { mediaType: "application/json; charset=utf-8" }],
    ["B45 data not base64", { data: "aGVs*G8=" }],
    ["B45 data in the URL alphabet", { size: 3, data: "_-_-" }],
    ["B45 data with a space", { data: "aGVsbG8= " }],
    ["B46 data without padding", { data: "aGVsbG8" }],
    ["B46 data with stray bits", { data: "aGVsbG9=" }],
    ["B46 data with padding inside", { size: 4, data: "aG=sbG8=" }],
    ["B47 data of another length", { data: "aGVsbG8h" }],
    ["B48 data with another digest", { data: "aGVsbGE=" }],
    ["B45 data not base64, of an algorithm nobody knows", { digest: "md5:aa", data: "aGVs*G8=" }],
    ["B47 data of another length, of an algorithm nobody knows", { digest: "md5:aa", data: "aGVsbG8h" }],
    ["data not a string", { data: 5 }],
    ["digest missing", { digest: undefined }],
    ["digest a number", { digest: 5 }],
    ["urls not an array", { urls: "https://example.com" }],
    ["urls with a number", { urls: ["https://example.com", 1] }],
    ["artifactType without subtype", { artifactType: "sbom" }],
    ["platform without os", { platform: { architecture: "amd64" } }],
    ["platform a string", { platform: "linux/amd64" }],
    ["platform with bad features", { platform: { architecture: "amd64", os: "windows", "os.features": "win32k" } }],
    ["B70 annotation a number", { annotations: { a: 1 } }],
    ["B70 annotation null", { annotations: { a: null } }],
    ["B70 annotation nested", { annotations: { a: { b: "c" } } }],
    ["B70 annotations an array", { annotations: ["a"] }],
  ])("%s", (_row, changes) => {
    expect(bad(changes).message).toContain("layers[3]");
  });

  test.each(["artifactType", "annotations", "urls", "platform"])(
    "%s null is absent, as tools in Go write it",
    (name) => {
      expect(parseDescriptor(hello({ [name]: null }), "x")).toEqual(hello());
    },
  );

  test.each([null, "x", 1, [], true])("%j is not a descriptor", (value) => {
    refused("MANIFEST_INVALID", () => parseDescriptor(value, "config"));
  });

  test.each([
    ["B9 63 digits", `sha256:${"a".repeat(63)}`],
    ["B7 upper case", `sha256:${"A".repeat(64)}`],
    ["B1 a path", "sha256:../../etc/passwd"],
    ["B24 a double separator", "sha256+foo+-b:aa"],
  ])("%s in a digest, with the cause", (_row, digest) => {
    const error = bad({ digest });
    expect(error.message).toContain("layers[3].digest");
    expect(error.cause).toMatchObject({ code: "DIGEST_INVALID" });
  });
});

describe("accepted", () => {
  test.each<[string, Record<string, unknown>]>([
    ["B37 nothing", { digest: EMPTY_SHA256, size: 0 }],
    ["B37 nothing with data", { digest: EMPTY_SHA256, size: 0, data: "" }],
    ["B37 nothing in sha512", { digest: digestOf(new Uint8Array(0), "sha512"), size: 0 }],
    ["B18 sha512", { digest: digestOf(utf8("hello"), "sha512") }],
    ["B19 an algorithm nobody knows", { digest: "md5:5d41402abc4b2a76b9719d911017c592" }],
    ["B21 base64 of an algorithm", { digest: "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564" }],
    ["B22 multihash", { digest: "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8" }],
    ["B19 an algorithm nobody knows, size 0", { digest: "md5:00", size: 0 }],
    ["B43 types of 127", { mediaType: `${"a".repeat(127)}/${"b".repeat(127)}` }],
    ["B50 urls are text", { urls: ["value", "file:///etc/passwd", "http://169.254.169.254/", "javascript:alert(1)"] }],
    ["data", { data: "aGVsbG8=" }],
    ["the largest size", { size: Number.MAX_SAFE_INTEGER }],
    ["an artifactType", { artifactType: "application/vnd.example.sbom.v1" }],
    ["a platform", { platform: { architecture: "arm64", os: "linux", variant: "v8", "os.features": ["x"] } }],
    ["B70 an empty key and an empty value", { annotations: { "": "" } }],
  ])("%s", (_row, changes) => {
    expect(parseDescriptor(hello(changes), "x")).toEqual(hello(changes));
  });

  test("B67 unknown fields, which are left out", () => {
    expect(parseDescriptor(hello({ "x-unknown": [1] }), "x")).toEqual(hello());
    expect(Object.keys(parseDescriptor(hello(), "x")).sort()).toEqual(["digest", "mediaType", "size"]);
  });
});

test("B71 annotations may be called like anything of the prototype", () => {
  const text = '{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}';
  const annotations = parseAnnotations(parseJson(utf8(text)), "annotations");
  expect(JSON.stringify(annotations)).toBe(text);
  expect(annotations.valueOf).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test("descriptorOf describes, and what it gives is parsed again", () => {
  const descriptor = descriptorOf(utf8("hello"), "text/plain", { annotations: { a: "b" } });
  expect(descriptor).toEqual({
    mediaType: "text/plain",
    digest: "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    size: 5,
    annotations: { a: "b" },
  } satisfies Record<keyof Pick<Descriptor, "mediaType" | "digest" | "size" | "annotations">, unknown>);
  expect(parseDescriptor(parseJson(utf8(descriptor)), "x")).toEqual(descriptor);
  refused("MANIFEST_INVALID", () => descriptorOf(utf8("hello"), "plain"));
});

test("B49 ten thousand descriptors with data are checked each", () => {
  const text = JSON.stringify(hello({ data: "aGVsbG8=" }));
  const list = parseJson(utf8(`[${Array(10_000).fill(text).join(",")}]`)) as readonly JsonValue[];
  expect(list.map((each) => parseDescriptor(each, "x").data).every((data) => data === "aGVsbG8=")).toBe(true);
});

test("platforms as people write them", () => {
  expect(formatPlatform({ os: "linux", architecture: "amd64" })).toBe("linux/amd64");
  expect(formatPlatform({ os: "linux", architecture: "arm64", variant: "v8" })).toBe("linux/arm64/v8");
  expect(parseDescriptor(parseJson(utf8(described("x"))), "x").platform).toBeUndefined();
});
