import { describe, expect, test } from "vitest";
import { digestOf, parseManifest } from "../../src/model/index.ts";
import { described, digestNamed, refused, utf8 } from "./support.ts";

const TYPE = "application/vnd.example.unknown+json";
const a = digestNamed("a");
const b = digestNamed("b");
const edgesOf = (document: unknown) => parseManifest(utf8(document), TYPE).edges;
const found = (document: unknown) => edgesOf(document).map(({ to }) => to);

describe("every digest that is mentioned is kept", () => {
  test.each<[string, unknown]>([
    ["as a value", { x: a }],
    ["as a key", { [a]: 1 }],
    ["as a key deep inside", { x: [{ y: { [a]: null } }] }],
    ["in an array at the top", [[a]]],
    ["in a reference", { image: `registry.example/app:v1@${a}` }],
    ["in a sentence", { note: `was (${a}), sadly` }],
    ["in an escape", `{"x":"\\u0073ha256:${a.slice(7)}"}`],
    ["in an object of the name of the prototype", `{"__proto__":{"constructor":"${a}"}}`],
    ["at depth 100", `${"[".repeat(100)}"${a}"${"]".repeat(100)}`],
    ["in a subject that is none", { subject: { digest: a } }],
    ["after what looks like a digest and is none", { x: `sha256:abc ${a}` }],
  ])("%s", (_name, document) => {
    expect(edgesOf(document)).toEqual([{ to: a, kind: "opaque" }]);
  });

  test("of all algorithms, several in one string, each once", () => {
    const wide = digestOf(utf8("a"), "sha512");
    const middle = digestOf(utf8("a"), "sha384");
    expect(found({ x: `${wide} ${a},${middle} ${a}`, y: a })).toEqual([wide, a, middle]);
  });

  test("B77 known type or not, what is not a digest is none", () => {
    const text = [`md5:${"a".repeat(32)}`, `${a}0`, a.slice(0, -1), a.toUpperCase(), `x${a}`, `sha512:${a.slice(7)}`];
    expect(edgesOf({ text })).toEqual([]);
  });
});

describe("what is known of an edge", () => {
  test("a descriptor gives type and size, also to a mention elsewhere", () => {
    const thing = described("a", "text/plain", 3);
    expect(edgesOf({ before: a, thing })).toEqual([{ to: a, kind: "opaque", mediaType: "text/plain", size: 3 }]);
    expect(edgesOf({ thing: { ...thing, size: -1 } })).toEqual([{ to: a, kind: "opaque" }]);
    expect(edgesOf({ thing: { ...thing, note: b } }).map(({ to }) => to)).toEqual([a, b]);
  });

  test("an object in `manifests` at the top is a child, and only there", () => {
    const child = described("a", "text/plain", 3);
    const edge = { to: a, mediaType: "text/plain", size: 3 };
    expect(edgesOf({ manifests: [child] })).toEqual([{ ...edge, kind: "manifest" }]);
    expect(edgesOf({ mentioned: a, manifests: [child] })).toEqual([{ ...edge, kind: "manifest" }]);
    expect(edgesOf({ manifests: [{ digest: a }, b] })).toEqual([
      { to: a, kind: "manifest" },
      { to: b, kind: "opaque" },
    ]);
    expect(edgesOf({ inner: { manifests: [child] } })).toEqual([{ ...edge, kind: "opaque" }]);
  });

  test("a subject is a subject even if it is mentioned again", () => {
    const subject = { ...described("a", "text/plain", 3), annotations: { base: b } };
    const manifest = parseManifest(utf8({ subject, signs: a }), TYPE);
    expect(manifest.subject).toEqual(subject);
    expect(manifest.edges).toEqual([
      { to: a, kind: "subject", mediaType: "text/plain", size: 3, optional: true },
      { to: b, kind: "opaque" },
    ]);
  });

  test("type and annotations are taken where they are well-formed", () => {
    const document = { mediaType: TYPE, artifactType: "application/vnd.x", annotations: { k: "v" } };
    expect(parseManifest(utf8(document))).toEqual({
      mediaType: TYPE,
      kind: "opaque",
      artifactType: "application/vnd.x",
      annotations: { k: "v" },
      layers: [],
      manifests: [],
      blobs: [],
      edges: [],
    });
    const broken = parseManifest(utf8({ artifactType: 5, annotations: { k: 1 } }), TYPE);
    expect(broken).not.toHaveProperty("artifactType");
    expect(broken).not.toHaveProperty("annotations");
  });
});

test.each<[string, Uint8Array | string]>([
  ["nothing", ""],
  ["text", `plain ${a}`],
  ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0)],
])("B77 %s is no JSON and names nothing", (_name, content) => {
  const bytes = typeof content === "string" ? utf8(content) : content;
  expect(parseManifest(bytes, TYPE)).toMatchObject({ kind: "opaque", mediaType: TYPE, edges: [] });
  expect(parseManifest(bytes)).toMatchObject({ kind: "opaque", mediaType: "application/octet-stream", edges: [] });
});

test.each([
  ["cut JSON", `{"x":"${a}"`],
  ["two documents", `{"x":"${a}"}\n{"y":1}`],
  ["JSON after space", ` \r\n\t["${a}"`],
  ["a byte order mark", `\ufeff{"x":"${a}"}`],
  ["a key twice", `{"x":"${a}","x":"${b}"}`],
  ["depth 101", `${"[".repeat(101)}"${a}"${"]".repeat(101)}`],
])("%s may name anything, so it is refused", (_name, text) => {
  refused("MANIFEST_INVALID", () => parseManifest(utf8(text), TYPE));
});

test("JSON over the limit may name anything too", () => {
  refused("MANIFEST_TOO_LARGE", () => parseManifest(utf8(`{"x":"${a.repeat(70_000)}"}`), TYPE));
});
