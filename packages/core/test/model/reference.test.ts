import { describe, expect, test } from "vitest";
import {
  isRefName,
  isRepositoryName,
  isTag,
  parseRefName,
  parseRepositoryName,
  parseTag,
  parseTarget,
} from "../../src/model/index.ts";
import { digestNamed, refused } from "./support.ts";

const digest = digestNamed("a");
const never = ["", ".x", "-x", "a b", "a\n", "é", "../x", "%2e%2e", "latest\0", "a\u202eb", "ｌatest", undefined, 5];

describe("tags", () => {
  test.each([...never, "a".repeat(129), "a/b", "a:b", "a@b", "a+b", digest])("B79, B81 %j is none", (text) => {
    expect(isTag(text as string)).toBe(false);
    expect(refused("REFERENCE_INVALID", () => parseTag(text as string)).data.reference).toBe(String(text));
  });

  test.each(["a".repeat(128), "latest", "Latest", "v1.0", "v1-x", "_x", "a..b", "x-", digest.replace(":", "-")])(
    "B79, B80, B81 %j is one",
    (text) => {
      expect(parseTag(text)).toBe(text);
      expect(parseRefName(text)).toBe(text);
      expect(parseTarget(text)).toEqual({ tag: text });
    },
  );
});

describe("names in a layout", () => {
  test.each([...never, digest, "a//b", "/a", "a/", "a:/b", "a/.b", "a---b:c", "a::b", "a".repeat(513)])(
    "B84, B86 %j is none",
    (text) => {
      expect(isRefName(text as string)).toBe(false);
      refused("REFERENCE_INVALID", () => parseRefName(text as string));
    },
  );

  test.each([
    "docker.io/library/alpine:3.20",
    "localhost:5000/app:v1",
    "a+b",
    "a--b/c",
    "v1.0+build.5",
    "a".repeat(512),
    `app@${digest}`,
    "sha1:abc",
  ])("B86 %j is one", (text) => {
    expect(parseRefName(text)).toBe(text);
    expect(parseTarget(text)).toEqual({ tag: text });
  });

  test("a long name that almost fits is refused in time", () => {
    expect(isRefName(`${"a-".repeat(255)}-!`)).toBe(false);
    expect(isRefName(`${"a".repeat(510)}!`)).toBe(false);
  });
});

describe("targets", () => {
  test("B81 a digest is a digest", () => {
    expect(parseTarget(digest)).toEqual({ digest });
  });

  test.each([
    "sha256:latest",
    `sha256:${"A".repeat(64)}`,
    digest.toUpperCase(),
    `${digest}0`,
    "sha512:",
    "sha384:../x",
  ])("B81 %j is a slip and not a tag", (text) => {
    refused("DIGEST_INVALID", () => parseTarget(text));
  });

  test.each(never)("%j is nothing", (text) => {
    refused("REFERENCE_INVALID", () => parseTarget(text as string));
  });
});

describe("repositories", () => {
  const bad = [
    "A/b",
    "a//b",
    "/a",
    "a/",
    "a/../b",
    "a/./b",
    ".a",
    "a___b",
    "a..b",
    "_a",
    "a\n",
    "é",
    "a:b",
    "a%2fb",
    " ",
  ];
  test.each([...bad, "a".repeat(256), Array(300).fill("a").join("/"), `${"a-".repeat(127)}!`, undefined])(
    "B82 %j is none",
    (text) => {
      expect(isRepositoryName(text as string)).toBe(false);
      refused("REFERENCE_INVALID", () => parseRepositoryName(text as string));
    },
  );

  const good = [
    "",
    "a",
    "a__b",
    "a_b.c---d/e0",
    "a".repeat(255),
    "blobs/manifests/tags",
    "uploads",
    "index.json",
    "ingest",
  ];
  test.each(good)("B82, B83 %j is one", (text) => {
    expect(parseRepositoryName(text)).toBe(text);
  });
});
