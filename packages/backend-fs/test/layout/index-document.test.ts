import { type CatalogState, type Digest, Draft, digestOf, emptyState, isOciStoreError } from "@ocistore/core";
import { expect, test } from "vitest";
import { IndexDocument } from "../../src/layout/index-document.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const digest = (name: string) => digestOf(utf8(name));
const IMAGE = "application/vnd.oci.image.manifest.v1+json";
const NAME = "org.opencontainers.image.ref.name";

function entry(name: string, tag?: string, more: object = {}): Record<string, unknown> {
  return {
    mediaType: IMAGE,
    digest: digest(name),
    size: name.length,
    ...(tag && { annotations: { [NAME]: tag } }),
    ...more,
  };
}

function parse(json: unknown): IndexDocument {
  return IndexDocument.parse(typeof json === "string" ? utf8(json) : utf8(JSON.stringify(json)), {});
}

function edit(document: IndexDocument, change: (draft: ReturnType<Draft["repository"]>) => void): unknown {
  const empty = emptyState("test", { grace: 0, window: 0, wait: 0 });
  const state: CatalogState = { ...empty, repositories: new Map([["", document.repository]]) };
  const draft = new Draft(state).repository("");
  change(draft);
  return JSON.parse(new TextDecoder().decode(document.with(draft)));
}

const member = (name: string, own?: boolean) => ({ mediaType: IMAGE, size: name.length, own, pushed: 0 });

test("what is not concerned by a change stays to the letter, in its order, with fields that nobody knows", () => {
  const json = {
    schemaVersion: 2,
    "x-first": [1, { deep: null }],
    manifests: [
      entry("a", undefined, { "x-unknown": { y: 1 }, platform: { architecture: "arm", os: "linux" } }),
      entry("b", "b", { annotations: { [NAME]: "b", other: "kept" } }),
      { mediaType: "application/xml", digest: "blake3:abcdef", size: 3 },
      entry("c", "c"),
    ],
    annotations: { "com.example": "kept" },
    "x-last": true,
  };
  const after = edit(parse(json), ({ tags, manifests }) => {
    tags.set("new", digest("d"));
    manifests.set(digest("d"), member("d", false));
  });
  expect(after).toEqual({ ...json, manifests: [...json.manifests, entry("d", "new")] });
  expect(JSON.stringify(after)).toBe(JSON.stringify({ ...json, manifests: [...json.manifests, entry("d", "new")] }));
});

test("a tag that moves takes its name from one entry to the other, and the entry's own fields stay with it", () => {
  const document = parse({
    schemaVersion: 2,
    manifests: [entry("a", "v1", { "x-of-a": 1 }), entry("b", undefined, { "x-of-b": 2 })],
  });
  const after = edit(document, ({ tags, manifests }) => {
    tags.set("v1", digest("b"));
    manifests.set(digest("b"), member("b", false));
    manifests.delete(digest("a"));
  });
  expect(after).toEqual({ schemaVersion: 2, manifests: [entry("b", "v1", { "x-of-b": 2 })] });
});

test("two tags on one manifest are two entries; when one goes, the other stays as it was", () => {
  const document = parse({
    schemaVersion: 2,
    manifests: [entry("a", "one", { "x-one": 1 }), entry("a", "two", { "x-two": 2 })],
  });
  expect([...document.repository.tags.keys()]).toEqual(["one", "two"]);
  const after = edit(document, ({ tags }) => tags.delete("one"));
  expect(after).toEqual({ schemaVersion: 2, manifests: [entry("a", "two", { "x-two": 2 })] });
});

test("of two entries with one name the last counts; the other is listed without a tag, and loses its name with it", () => {
  const document = parse({ schemaVersion: 2, manifests: [entry("a", "v1"), entry("b", "v1")] });
  expect([...document.repository.tags]).toEqual([["v1", digest("b")]]);
  expect(document.repository.manifests.get(digest("a"))?.own).toBeUndefined();
  const untouched = edit(document, ({ tags, manifests }) => {
    tags.set("other", digest("c"));
    manifests.set(digest("c"), member("c", false));
  });
  expect(untouched).toMatchObject({ manifests: [entry("a", "v1"), entry("b", "v1"), entry("c", "other")] });
  const after = edit(document, ({ tags, manifests }) => {
    tags.delete("v1");
    manifests.delete(digest("b"));
  });
  expect(after).toEqual({ schemaVersion: 2, manifests: [entry("a")] });
});

test("own is said only where being listed does not say it", () => {
  const document = parse({ schemaVersion: 2, manifests: [entry("a", "v1")] });
  const kept = edit(document, ({ tags, manifests }) => {
    tags.delete("v1");
    manifests.set(digest("a"), member("a", true));
  });
  expect(kept).toEqual({
    schemaVersion: 2,
    manifests: [entry("a", undefined, { annotations: { "dev.ocistore.own": "true" } })],
  });
  const again = parse(kept);
  expect(again.repository.manifests.get(digest("a"))?.own).toBe(true);
  const tagged = edit(again, ({ tags, manifests }) => {
    tags.set("v2", digest("a"));
    manifests.set(digest("a"), member("a", false));
  });
  expect(tagged).toEqual({ schemaVersion: 2, manifests: [entry("a", "v2")] });
});

test("names that mean something to JavaScript are names", () => {
  const text = JSON.stringify({
    schemaVersion: 2,
    manifests: [entry("a", "__proto__"), entry("b", "constructor")],
  }).replace(`"annotations":{`, `"annotations":{"__proto__":"kept",`);
  const document = parse(text);
  expect([...document.repository.tags.keys()]).toEqual(["__proto__", "constructor"]);
  const after = edit(document, ({ tags, manifests }) => {
    tags.set("toString", digest("a"));
    manifests.set(digest("a"), member("a", false));
  });
  expect(JSON.stringify(after)).toContain('"__proto__":"kept"');
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test("null for no entries, as oras-go writes it, is an empty listing", () => {
  const document = parse('{"schemaVersion":2,"manifests":null}');
  expect(document.repository.manifests.size).toBe(0);
  expect(edit(document, ({ tags }) => tags.delete("x"))).toEqual({ schemaVersion: 2, manifests: [] });
});

test.each([
  ["no object", "[]"],
  ["empty", ""],
  ["cut off", '{"schemaVersion":2,"manifests":['],
  ["not an array", '{"schemaVersion":2,"manifests":{}}'],
  ["another schema", '{"schemaVersion":1,"manifests":[]}'],
  ["a manifest", '{"schemaVersion":2,"config":{},"layers":[]}'],
  ["a key twice", '{"schemaVersion":2,"manifests":[],"manifests":[]}'],
])("B88 %s is no index.json, and never an empty one", (_, text) => {
  const error = (() => {
    try {
      return parse(text);
    } catch (caught) {
      return caught;
    }
  })();
  expect(isOciStoreError(error, "LAYOUT_INVALID"), String(error)).toBe(true);
});

test.each([
  ["no object", 5],
  ["B89 a negative size", entry("a", "t", { size: -1 })],
  ["a size that is a text", entry("a", "t", { size: "1" })],
  ["no digest", { mediaType: IMAGE, size: 1 }],
  ["B1 a path for a digest", entry("a", "t", { digest: "sha256:../../../../etc/passwd" })],
  ["no media type", entry("a", "t", { mediaType: "x" })],
  ["annotations that are a list", entry("a", "t", { annotations: [] })],
])("an entry with %s is a fault, and is kept", (_, bad) => {
  const document = parse({ schemaVersion: 2, manifests: [bad, entry("good", "good")] });
  expect(document.faults).toHaveLength(1);
  expect([...document.repository.tags.keys()]).toEqual(["good"]);
  const after = edit(document, ({ tags, manifests }) => {
    tags.delete("good");
    manifests.delete(digest("good") as Digest);
  });
  expect(after).toEqual({ schemaVersion: 2, manifests: [bad] });
});
