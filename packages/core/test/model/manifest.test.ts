import { describe, expect, test } from "vitest";
import { MEDIA_TYPES, parseManifest } from "../../src/model/index.ts";
import { described, refused, utf8 } from "./support.ts";

const config = described("config", MEDIA_TYPES.imageConfig);
const layer = described("layer", MEDIA_TYPES.layerGzip);
const child = described("child", MEDIA_TYPES.imageManifest);
const image = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [child] };
const artifact = { mediaType: MEDIA_TYPES.artifactManifest, artifactType: "application/vnd.example", blobs: [layer] };

const { imageManifest, imageIndex, artifactManifest, dockerManifest, dockerManifestList } = MEDIA_TYPES;

describe("refused", () => {
  test.each<[string, unknown, string | undefined]>([
    ["B55 layers in an index", { ...index, layers: [] }, imageIndex],
    ["B55 config in an index", { ...index, config }, imageIndex],
    ["B55 layers in a Docker list", { ...index, layers: [] }, dockerManifestList],
    ["B55 manifests in an image", { ...image, manifests: [] }, imageManifest],
    ["B55 manifests null in an image", { ...image, manifests: null }, imageManifest],
    ["B55 says index, is an image", { ...image, mediaType: imageIndex }, undefined],
    ["B55 says image, is an index", { ...index, mediaType: imageManifest }, undefined],
    ["B55 layers in an artifact", { ...artifact, layers: [] }, artifactManifest],
    ["B55 manifests in an artifact", { ...artifact, manifests: [] }, undefined],
    ["B56 two types", { ...image, mediaType: imageManifest }, dockerManifest],
    ["B56 two types, one unknown", { ...image, mediaType: imageManifest }, "application/vnd.example+json"],
    ["B56 mediaType field a number", { ...image, mediaType: 5 }, imageManifest],
    ["B44 a type with a line break", image, `${imageManifest}\r\nX: y`],
    ["B44 an empty type", image, ""],
    ["B57 could be both", { schemaVersion: 2, manifests: [], layers: [] }, undefined],
    ["B57 could be both, with config", { ...image, manifests: [child] }, undefined],
    ["B63 null", null, imageManifest],
    ["B63 an array", [], imageIndex],
    ["B63 a string", '"x"', imageManifest],
    ["B63 nothing", "", imageManifest],
    ["B77 no JSON at all", "\u001f\u008b layer", imageManifest],
    ["B58 a digest twice", '{"schemaVersion":2,"manifests":[{"digest":"a","digest":"b"}]}', imageIndex],
    ["B65 schemaVersion 1", { ...image, schemaVersion: 1 }, imageManifest],
    ["B65 schemaVersion in quotes", { ...image, schemaVersion: "2" }, imageManifest],
    ["B65 schemaVersion missing", { config, layers: [] }, imageManifest],
    ["B65 schemaVersion missing in an index", { manifests: [] }, imageIndex],
    ["config missing", { schemaVersion: 2, layers: [] }, imageManifest],
    ["config null", { ...image, config: null }, imageManifest],
    ["layers missing", { schemaVersion: 2, config }, imageManifest],
    ["layers null", { ...image, layers: null }, imageManifest],
    ["layers an object", { ...image, layers: {} }, imageManifest],
    ["manifests missing", { schemaVersion: 2 }, imageIndex],
    ["manifests an object", { schemaVersion: 2, manifests: {} }, imageIndex],
    ["blobs null", { ...artifact, blobs: null }, artifactManifest],
    ["a bad child", { ...index, manifests: [child, { ...child, size: -1 }] }, imageIndex],
    ["a bad subject", { ...image, subject: { ...child, digest: "sha256:x" } }, imageManifest],
    ["B70 an annotation that is a number", { ...image, annotations: { a: 1 } }, imageManifest],
    ["an artifactType that is none", { ...image, artifactType: "sbom" }, imageManifest],
    ["B54 one digest, two sizes", { ...image, layers: [layer, { ...layer, size: 8 }] }, imageManifest],
    ["B54 in config and layer", { ...image, layers: [{ ...config, size: 8 }] }, imageManifest],
    ["B54 in subject and child", { ...index, subject: { ...child, size: 8 } }, imageIndex],
    ["B54 among blobs", { ...artifact, blobs: [layer, { ...layer, size: 8 }] }, artifactManifest],
  ])("%s", (_row, document, mediaType) => {
    refused("MANIFEST_INVALID", () => parseManifest(utf8(document), mediaType));
  });

  test("the place of the fault is in the message", () => {
    const document = { ...index, manifests: [child, { ...child, size: -1 }] };
    expect(refused("MANIFEST_INVALID", () => parseManifest(utf8(document))).message).toContain("manifests[1].size");
  });

  test.each([
    ["by its type, no JSON", "eyJ", MEDIA_TYPES.dockerSchema1Signed],
    ["by its type, whatever its field says", { mediaType: imageManifest }, MEDIA_TYPES.dockerSchema1],
    ["by its type", { schemaVersion: 1 }, MEDIA_TYPES.dockerSchema1],
    ["signed", { schemaVersion: 1, signatures: [] }, MEDIA_TYPES.dockerSchema1Signed],
    ["by its field", { schemaVersion: 1, mediaType: MEDIA_TYPES.dockerSchema1Signed }, undefined],
  ])("B65 Docker schema 1 %s", (_name, document, mediaType) => {
    refused("UNSUPPORTED", () => parseManifest(utf8(document), mediaType));
  });

  test("B64 more than 4 MiB", () => {
    const document = utf8({ ...image, annotations: { a: "a".repeat(4 * 1024 * 1024) } });
    refused("MANIFEST_TOO_LARGE", () => parseManifest(document, imageManifest));
    expect(parseManifest(document, imageManifest, { maxBytes: document.length }).kind).toBe("image");
  });
});

describe("accepted", () => {
  test.each<[string, unknown, string | undefined, string, string]>([
    ["an image", image, imageManifest, "image", imageManifest],
    ["an index", index, imageIndex, "index", imageIndex],
    ["an artifact", artifact, artifactManifest, "artifact", artifactManifest],
    ["an artifact without blobs", { ...artifact, blobs: undefined }, artifactManifest, "artifact", artifactManifest],
    ["B66 Docker's image", { ...image, mediaType: dockerManifest }, dockerManifest, "image", dockerManifest],
    ["B66 Docker's list", { ...index, mediaType: dockerManifestList }, undefined, "index", dockerManifestList],
    ["B56 type by the field", { ...image, mediaType: imageManifest }, undefined, "image", imageManifest],
    ["B56 type with parameters", image, `${imageManifest}; charset=utf-8`, "image", imageManifest],
    ["B56 type in upper case", image, imageManifest.toUpperCase(), "image", imageManifest],
    [
      "B56 field in upper case",
      { ...image, mediaType: imageManifest.toUpperCase() },
      undefined,
      "image",
      imageManifest,
    ],
    ["B57 an index by its shape", index, undefined, "index", imageIndex],
    ["B57 an image by its shape", image, undefined, "image", imageManifest],
    ["B57 neither", { schemaVersion: 2, config }, undefined, "opaque", "application/json"],
    ["B57 layers alone", { schemaVersion: 2, layers: [] }, undefined, "opaque", "application/json"],
    ["B65 schemaVersion 2.0", '{"schemaVersion":2.0,"manifests":[]}', imageIndex, "index", imageIndex],
    ["B68 no layers", { ...image, layers: [] }, imageManifest, "image", imageManifest],
    ["B68 no manifests", { ...index, manifests: [] }, imageIndex, "index", imageIndex],
    ["manifests null, as oras-go writes it", { ...index, manifests: null }, imageIndex, "index", imageIndex],
    ["subject null, as tools in Go write it", { ...image, subject: null }, imageManifest, "image", imageManifest],
    ["manifests null without a type", { ...index, manifests: null }, undefined, "index", imageIndex],
    ["B67 unknown fields", { ...image, "x-unknown": { y: [1, null] } }, imageManifest, "image", imageManifest],
    [
      "B54 one digest, two types",
      { ...image, layers: [{ ...layer, digest: config.digest }] },
      imageManifest,
      "image",
      imageManifest,
    ],
    [
      "B74 the same child many times",
      { ...index, manifests: Array(1000).fill(child) },
      imageIndex,
      "index",
      imageIndex,
    ],
  ])("%s", (_row, document, mediaType, kind, type) => {
    expect(parseManifest(utf8(document), mediaType)).toMatchObject({ kind, mediaType: type });
  });

  test("everything of an image", () => {
    const subject = described("subject", imageManifest);
    const document = { ...image, artifactType: "application/vnd.example", subject, annotations: { a: "b" } };
    expect(parseManifest(utf8(document), imageManifest)).toEqual({
      mediaType: imageManifest,
      kind: "image",
      artifactType: "application/vnd.example",
      annotations: { a: "b" },
      config,
      layers: [layer],
      manifests: [],
      blobs: [],
      subject,
      edges: [
        { to: subject.digest, kind: "subject", mediaType: imageManifest, size: 7, optional: true },
        { to: config.digest, kind: "config", mediaType: config.mediaType, size: 7 },
        { to: layer.digest, kind: "layer", mediaType: layer.mediaType, size: 7 },
      ],
    });
  });

  test("Docker's types have no subject", () => {
    const manifest = parseManifest(utf8({ ...image, subject: child }), dockerManifest);
    expect(manifest.subject).toBeUndefined();
    expect(manifest.edges.map(({ kind }) => kind)).toEqual(["config", "layer"]);
  });

  test.each<[string, unknown, string | undefined]>([
    ["of the field", { ...image, artifactType: "application/vnd.a" }, "application/vnd.a"],
    ["none of a runnable image", image, undefined],
    ["none of a runnable image of Docker", { ...image, config: described("c", MEDIA_TYPES.dockerConfig) }, undefined],
    ["of the config", { ...image, config: described("c", "application/vnd.c") }, "application/vnd.c"],
    ["of the config if the field is empty", { ...image, artifactType: "", config: described("c", "a/c") }, "a/c"],
    ["B69 of an empty config", { ...image, config: described("c", MEDIA_TYPES.empty) }, MEDIA_TYPES.empty],
    ["of an index", { ...index, artifactType: "application/vnd.i" }, "application/vnd.i"],
    ["none of an index", index, undefined],
  ])("artifactType %s", (_name, document, artifactType) => {
    expect(parseManifest(utf8(document)).artifactType).toBe(artifactType);
  });

  test("B74 an index of 100 000 children, in time", () => {
    const manifests = Array.from({ length: 100_000 }, (_, at) => ({
      ...child,
      digest: `sha256:${String(at).padStart(64, "0")}`,
    }));
    const document = utf8({ ...index, manifests });
    expect(parseManifest(document, imageIndex, { maxBytes: document.length }).edges).toHaveLength(100_000);
  });
});
