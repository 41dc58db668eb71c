import { describe, expect, test } from "vitest";
import { copy, MEDIA_TYPES, type Platform, packIndex, packManifest, parsePlatformName } from "../../src/index.ts";
import { findings, furnish, pair, stored, tagsOf, utf8 } from "./support.ts";

test.each<[string, Platform]>([
  ["linux/amd64", { os: "linux", architecture: "amd64" }],
  ["linux/arm/v7", { os: "linux", architecture: "arm", variant: "v7" }],
  ["windows/amd64:10.0.1", { os: "windows", architecture: "amd64", "os.version": "10.0.1" }],
  ["linux/arm64/v8:1", { os: "linux", architecture: "arm64", variant: "v8", "os.version": "1" }],
])("%s is a platform", (text, platform) => expect(parsePlatformName(text)).toEqual(platform));

test.each(["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux amd64", "linux/amd64:"])("%j is none", (text) =>
  expect(() => parsePlatformName(text)).toThrow(TypeError),
);

test("one platform: the tag is on the manifest for it, and nothing else comes", async () => {
  const { target, from, to } = await pair();
  const { arm64 } = await furnish(from);
  const receipt = await copy(from, to, "v1", { platforms: ["linux/arm64"] });
  expect(receipt.root.digest).toBe(arm64.digest);
  expect(await tagsOf(to)).toEqual({ v1: arm64.digest });
  expect((await stored(target)).size).toBe(4);
  expect(receipt.manifests.copied.count).toBe(1);
});

test("several: a new index of these, with their attestations, and all else as it was", async () => {
  const { target, from, to } = await pair();
  const { amd64, arm64, windows, attestation, v1, signature, sbom } = await furnish(from);
  const receipt = await copy(from, to, "v1", { platforms: ["linux/arm64/v8", "linux/amd64"], referrers: true });
  expect(receipt.root.digest).not.toBe(v1.digest);
  const before = JSON.parse(new TextDecoder().decode(await from.bytes("v1")));
  const after = JSON.parse(new TextDecoder().decode(await to.bytes("v1")));
  const digests = after.manifests.map(({ digest }: { digest: string }) => digest);
  expect(digests).toEqual([amd64.digest, arm64.digest, attestation.digest]);
  expect(after).toEqual({
    ...before,
    manifests: before.manifests.filter(({ digest }: { digest: string }) => digests.includes(digest)),
  });
  expect(await to.find(windows)).toBeUndefined();
  expect(await to.find(sbom)).toBeDefined();
  // It signs another index than this.
  expect(await to.find(signature)).toBeUndefined();
  expect(await findings(target)).toEqual([]);
  const again = await copy(from, to, "v1", { platforms: ["linux/arm64", "linux/amd64"] });
  expect(again.root.digest).toBe(receipt.root.digest);
});

test("all platforms: the index stays what it is", async () => {
  const { from, to } = await pair();
  const { v1 } = await furnish(from);
  const platforms = ["windows/amd64", "linux/amd64", "linux/arm64"];
  expect((await copy(from, to, "v1", { platforms })).root.digest).toBe(v1.digest);
});

test("sparse: the index stays byte for byte, and has only some of its manifests", async () => {
  const { target, from, to } = await pair();
  const { v1, arm64, amd64, windows, attestation, signature } = await furnish(from);
  const receipt = await copy(from, to, "v1", { platforms: ["linux/arm64"], sparse: true, referrers: true });
  expect(receipt.root.digest).toBe(v1.digest);
  expect(receipt.leftOut).toEqual([amd64.digest, windows.digest, attestation.digest].sort());
  expect(await to.find(arm64)).toBeDefined();
  expect(await to.find(amd64)).toBeUndefined();
  expect(await to.find(signature)).toBeDefined();
  expect(await to.bytes("v1")).toEqual(await from.bytes("v1"));
  expect(await target.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  // From there it can be copied on as it is, and what was left out can be added.
  const next = await pair();
  await expect(copy(to, next.to, "v1")).rejects.toMatchObject({ code: "NOT_FOUND", data: { side: "source" } });
  expect(await tagsOf(next.to)).toEqual({});
  expect((await copy(to, next.to, "v1", { sparse: true })).leftOut).toHaveLength(3);
  expect((await copy(from, to, "v1")).leftOut).toEqual([]);
  expect(await to.find(windows)).toBeDefined();
});

test("with a sparse index nested in another, both are", async () => {
  const { from, to, target } = await pair();
  const { v1, amd64 } = await furnish(from);
  const outer = await from.session(async (session) => {
    const { mediaType, digest, size } = v1;
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [{ mediaType, digest, size }] };
    return session.putManifest({ bytes: utf8(JSON.stringify(index)) }, { tags: ["outer"] });
  });
  const filter = ({ digest }: { digest: string }) => digest !== amd64.digest;
  expect(await copy(from, to, "outer", { filter })).toMatchObject({ leftOut: [amd64.digest], tags: ["outer"] });
  expect((await tagsOf(to)).outer).toBe(outer.digest);
  expect(await to.find(amd64)).toBeUndefined();
  expect(await target.collect({ grace: 0 })).toMatchObject({ removed: 0 });
});

test("what is left out as the subject of one is not missing as the child of another", async () => {
  const { from, to } = await pair();
  const { amd64, sbom } = await furnish(from);
  const root = await from.session(async (session) => {
    const inner = await session.putManifest(packIndex({ manifests: [amd64] }));
    return session.putManifest(packIndex({ manifests: [sbom, inner] }));
  });
  const filter = (_: object, parent: { digest: string }) => parent.digest !== sbom.digest;
  expect(await copy(from, to, root, { filter })).toMatchObject({ leftOut: [], manifests: { copied: { count: 4 } } });
  expect(await to.find(amd64)).toBeDefined();
});

describe("what does not run on it is refused, and nothing is copied", () => {
  test.each([
    [["linux/s390x"], "source: nothing for linux/s390x, but linux/amd64, linux/arm64/v8, windows/amd64"],
    [["linux/amd64", "linux/arm64/v7"], "nothing for linux/arm64/v7"],
    [["windows/amd64:10.0.2"], "nothing for windows/amd64"],
    [["unknown/arm64"], "nothing for unknown/arm64"],
  ])("an index: %j", async (platforms, message) => {
    const { target, from, to } = await pair();
    await furnish(from);
    const failing = copy(from, to, "v1", { platforms });
    await expect(failing).rejects.toMatchObject({ code: "NOT_FOUND", data: { side: "source", op: "select" } });
    await expect(failing).rejects.toThrow(message);
    expect(await stored(target)).toEqual(new Set());
  });

  test("an image, by its config", async () => {
    const { from, to } = await pair();
    const { amd64 } = await furnish(from);
    expect((await copy(from, to, amd64, { platforms: ["linux/amd64"] })).root.digest).toBe(amd64.digest);
    await expect(copy(from, to, amd64, { platforms: ["linux/arm64"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test.each([
    ["an artifact", undefined],
    ["an image whose config says nothing", "null"],
    ["an image whose config has no text where it should", '{"os":1,"architecture":null}'],
  ])("%s", async (_, config) => {
    const { from, to } = await pair();
    await from.session(async (session) => {
      const packed =
        config === undefined
          ? packManifest({ artifactType: "test/none" })
          : packManifest({
              config: await session.putBlob({ stream: utf8(config), mediaType: MEDIA_TYPES.imageConfig }),
            });
      await session.putManifest(packed, { tags: ["x"] });
    });
    await expect(copy(from, to, "x", { platforms: ["linux/amd64"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

test("a platform that is none is refused before anything is asked", async () => {
  const { from, to } = await pair();
  await furnish(from);
  await expect(copy(from, to, "v1", { platforms: ["linux"] })).rejects.toThrow(TypeError);
});
