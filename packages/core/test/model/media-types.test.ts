import { expect, test } from "vitest";
import { isForeignLayerType, isIndexType, isManifestType, isSchema1Type, MEDIA_TYPES } from "../../src/model/index.ts";

const passing = (is: (mediaType: string) => boolean) =>
  Object.entries(MEDIA_TYPES)
    .filter(([, mediaType]) => is(mediaType))
    .map(([name]) => name);

test("each question has exactly these answers", () => {
  const index = ["imageIndex", "dockerManifestList"];
  expect(passing(isIndexType)).toEqual(index);
  expect(passing(isManifestType).sort()).toEqual(
    [...index, "imageManifest", "dockerManifest", "artifactManifest"].sort(),
  );
  expect(passing(isSchema1Type)).toEqual(["dockerSchema1", "dockerSchema1Signed"]);
  expect(passing(isForeignLayerType)).toEqual([
    "foreignLayer",
    "foreignLayerGzip",
    "foreignLayerZstd",
    "dockerForeignLayer",
    "dockerForeignLayerGzip",
  ]);
});

test("B56 case does not matter", () => {
  expect(isManifestType(MEDIA_TYPES.imageIndex.toUpperCase())).toBe(true);
  expect(isManifestType("application/json")).toBe(false);
});
