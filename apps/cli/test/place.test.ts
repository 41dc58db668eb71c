import { describe, expect, test } from "vitest";
import {
  exact,
  formatPlace,
  parseArchive,
  parsePlace,
  parsePlaceOrReference,
  parseReference,
  shellWord,
} from "../src/place.ts";

const HEX = "a".repeat(64);
const DIGEST = `sha256:${HEX}`;

describe("a reference", () => {
  test.each([
    ["oci:dir:v1", "/w/dir", { tag: "v1" }],
    ["oci:dir:web:1.0", "/w/dir", { tag: "web:1.0" }],
    ["oci:dir:example.com/a/b:v1", "/w/dir", { tag: "example.com/a/b:v1" }],
    ["oci:/abs/dir:v1", "/abs/dir", { tag: "v1" }],
    ["oci:./a/../dir:v1", "/w/dir", { tag: "v1" }],
    ["oci:.:v1", "/w", { tag: "v1" }],
    ["oci:a b:v1", "/w/a b", { tag: "v1" }],
    ["oci:di@r:v1", "/w/di@r", { tag: "v1" }],
    ["oci:dir:a@b", "/w/dir", { tag: "a@b" }],
    [`oci:dir@${DIGEST}`, "/w/dir", { digest: DIGEST }],
    [`oci:dir:${DIGEST}`, "/w/dir", { digest: DIGEST }],
    [`oci:dir:@${DIGEST}`, "/w/dir", { digest: DIGEST }],
    [`oci:di@r@${DIGEST}`, "/w/di@r", { digest: DIGEST }],
    ["oci:dir@sha256:0123abcd", "/w/dir", { prefix: "sha256:0123abcd" }],
    ["ocidir://dir:v1", "/w/dir", { tag: "v1" }],
    ["ocidir:///abs:v1", "/abs", { tag: "v1" }],
    [`ocidir://dir@${DIGEST}`, "/w/dir", { digest: DIGEST }],
    ["oci-archive:a/x.tar:web:1.0", "/w/a/x.tar", { tag: "web:1.0" }],
    [`oci-archive:/abs/x.tar@${DIGEST}`, "/abs/x.tar", { digest: DIGEST }],
  ])("%s", (text, directory, target) => {
    expect(parseReference(text, "/w", undefined)).toMatchObject({ directory, target });
  });

  test.each([
    ["v1", { tag: "v1" }],
    ["web:1.0", { tag: "web:1.0" }],
    [DIGEST, { digest: DIGEST }],
    [`@${DIGEST}`, { digest: DIGEST }],
    ["sha256:0123abcd", { prefix: "sha256:0123abcd" }],
  ])("bare, with a store: %s", (text, target) => {
    expect(parseReference(text, "/w", "oci:dir")).toMatchObject({ directory: "/w/dir", target });
    expect(parsePlaceOrReference(text, "/w", "dir")).toMatchObject({ directory: "/w/dir", target });
  });

  test.each([
    ["oci:dir", "names a store and nothing in it"],
    ["oci:dir:", "no tag after the colon"],
    ["oci::v1", "no directory"],
    ["oci:", "no directory"],
    ["oci://dir:v1", "no slashes of its own"],
    [`oci:dir:v1@${DIGEST}`, "a tag and a digest together"],
    ["oci:dir@sha256:0123", "not a digest"],
    ["oci:dir@sha256:0123ABCD", "not a digest"],
    ["oci:dir:-v1", "not a reference"],
    ["oci:dir:v 1", "not a reference"],
    ["docker://busybox", "does not know yet"],
    ["s3://bucket/x//r:v1", "does not know yet"],
    ["docker-archive:x.tar:v1", "does not know yet"],
    ["oci-archive:x.tar", "names a store and nothing in it"],
    ["oci-archive:", "no file is named"],
    ["oci-archive://x.tar:v1", "no slashes of its own"],
    ["v1", "does not say in which store"],
  ])("refused: %s", (text, why) => {
    expect(() => parseReference(text, "/w", undefined)).toThrow(why);
  });
});

test("a place", () => {
  expect(parsePlace("dir", "/w")).toMatchObject({ directory: "/w/dir", target: undefined });
  expect(parsePlace("C:x", "/w")).toMatchObject({ directory: "/w/C:x" });
  expect(parsePlace("oci:dir", "/w")).toMatchObject({ directory: "/w/dir" });
  expect(() => parsePlace("oci:dir:v1", "/w")).toThrow("a whole store");
});

test("a place has its scheme, and is written with it", () => {
  expect(parsePlace("oci:dir", "/w").scheme).toBe("oci");
  expect(parsePlace("oci-archive:x.tar", "/w")).toMatchObject({ scheme: "oci-archive", directory: "/w/x.tar" });
  expect(formatPlace(parseReference("oci-archive:x.tar:v1", "/w", undefined))).toBe("oci-archive:x.tar:v1");
  expect(parseArchive("x:y.tar", "/w")).toMatchObject({ scheme: "oci-archive", directory: "/w/x:y.tar" });
  expect(parseArchive("oci-archive:x.tar", "/w")).toMatchObject({ directory: "/w/x.tar" });
  expect(() => parseArchive("oci:x", "/w")).toThrow("is no archive");
  expect(() => parseArchive("oci-archive:x.tar:v1", "/w")).toThrow("a whole archive");
});

test("only look-only verbs take the start of a digest", () => {
  expect(() => exact({ prefix: "sha256:0123abcd" })).toThrow("only the start");
  expect(exact({ tag: "v1" })).toBe("v1");
});

test("written as a shell takes it", () => {
  expect(formatPlace(parseReference("oci:my dir:v1", "/w", undefined))).toBe("'oci:my dir:v1'");
  expect(formatPlace(parseReference(`oci:d@${DIGEST}`, "/w", undefined))).toBe(`oci:d@${DIGEST}`);
  expect(shellWord("it's")).toBe(`'it'\\''s'`);
});
