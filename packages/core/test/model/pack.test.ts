import { describe, expect, test } from "vitest";
import {
  descriptorOf,
  EMPTY_BYTES,
  EMPTY_DESCRIPTOR,
  MEDIA_TYPES,
  packIndex,
  packManifest,
  parseManifest,
} from "../../src/model/index.ts";
import { described, refused } from "./support.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const artifactType = "application/vnd.example+type";
const layer = described("layer", "application/vnd.example.layer");
const empty =
  '{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}';

describe("packManifest", () => {
  test("an artifact of nothing is the minimal one of the specification", () => {
    const packed = packManifest({ artifactType, annotations: { b: "2", a: "1" } });
    expect(text(packed.bytes)).toBe(
      `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"${artifactType}","config":${empty},"layers":[${empty}],"annotations":{"a":"1","b":"2"}}`,
    );
    expect(packed.descriptor).toEqual(descriptorOf(packed.bytes, MEDIA_TYPES.imageManifest, { artifactType }));
    expect(packed.manifest).toEqual(parseManifest(packed.bytes, MEDIA_TYPES.imageManifest));
    expect(packed.blobs).toEqual([{ bytes: EMPTY_BYTES, descriptor: EMPTY_DESCRIPTOR }]);
  });

  test("what it brings in is in blobs, and nothing else", () => {
    const config = described("config", "application/vnd.example.config");
    expect(packManifest({ artifactType, layers: [layer] }).blobs).toHaveLength(1);
    expect(packManifest({ artifactType, config }).blobs).toHaveLength(1);
    expect(packManifest({ config, layers: [layer] }).blobs).toEqual([]);
  });

  test("PACK 1.0: with a config of a type of its own it is a manifest of 1.0, which may have a subject", () => {
    const config = described("config", "application/vnd.example.config");
    const subject = described("subject", MEDIA_TYPES.imageManifest);
    const written = JSON.parse(text(packManifest({ config, layers: [layer], subject }).bytes));
    expect(written).toEqual({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageManifest,
      config,
      layers: [layer],
      subject,
    });
  });

  test("PACK: of the time it says nothing but what it is told, and takes that as it is", () => {
    const created = "org.opencontainers.image.created";
    expect(text(packManifest({ artifactType }).bytes)).not.toContain("created");
    expect(packManifest({ artifactType, annotations: { [created]: "yesterday" } }).manifest.annotations).toEqual({
      [created]: "yesterday",
    });
  });

  test("an image without layers stays so", () => {
    const packed = packManifest({ config: described("config", MEDIA_TYPES.imageConfig), layers: [] });
    expect(packed.manifest.layers).toEqual([]);
    expect(packed.blobs).toEqual([]);
    expect(packed.descriptor).not.toHaveProperty("artifactType");
  });

  test("the same content gives the same bytes, in whatever order it comes", () => {
    const one = { ...layer, annotations: { x: "1", y: "2" } };
    const two = { annotations: { y: "2", x: "1" }, size: layer.size, digest: layer.digest, mediaType: layer.mediaType };
    const subject = described("subject", MEDIA_TYPES.imageManifest);
    expect(packManifest({ artifactType, layers: [one], subject }).descriptor.digest).toBe(
      packManifest({ subject, layers: [two], artifactType }).descriptor.digest,
    );
  });

  test("B69 something has to say what it is", () => {
    expect(() => packManifest({})).toThrow(TypeError);
    expect(() => packManifest({ layers: [layer] })).toThrow(TypeError);
    expect(() => packManifest({ config: EMPTY_DESCRIPTOR })).toThrow(TypeError);
  });

  test("B71 annotations called like the prototype arrive", () => {
    const annotations = JSON.parse('{"__proto__":"p","constructor":"c"}');
    const packed = packManifest({ artifactType, annotations });
    expect(JSON.stringify(packed.manifest.annotations)).toBe('{"__proto__":"p","constructor":"c"}');
  });

  test("it does not write what it would not read", () => {
    refused("MANIFEST_INVALID", () => packManifest({ artifactType: "sbom" }));
    refused("MANIFEST_INVALID", () => packManifest({ artifactType, layers: [{ ...layer, size: -1 }] }));
    refused("MANIFEST_INVALID", () => packManifest({ artifactType, annotations: { a: "\ud800" } }));
    refused("MANIFEST_TOO_LARGE", () => packManifest({ artifactType, annotations: { a: "a".repeat(5_000_000) } }));
  });
});

test("packIndex", () => {
  const child = { ...described("child", MEDIA_TYPES.imageManifest), platform: { os: "linux", architecture: "arm64" } };
  const packed = packIndex({ manifests: [child], annotations: { a: "1" } });
  expect(text(packed.bytes)).toBe(
    `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[${JSON.stringify(child)}],"annotations":{"a":"1"}}`,
  );
  expect(packed.manifest).toMatchObject({ kind: "index", manifests: [child] });
  expect(packed.blobs).toEqual([]);
  expect(packIndex({ manifests: [] }).manifest.edges).toEqual([]);
  const subject = described("subject", MEDIA_TYPES.imageIndex);
  expect(packIndex({ manifests: [], artifactType, subject })).toMatchObject({
    descriptor: { artifactType },
    manifest: { subject },
  });
});
