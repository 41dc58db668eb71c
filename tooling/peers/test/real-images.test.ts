import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type Digest, faultsOf, garbageIn, nameOf, predict, readLayout } from "./support/naive.ts";
import { type RealImages, realImages } from "./support/real-images.ts";
import { deletesAsPredicted, findings, opened, removedBy, tagsOf } from "./support/store.ts";
import { skopeo, temporary } from "./support/tools.ts";

let images: RealImages;
let referrersTag: string;
// Not once for all: if they cannot be had, every test fails, and none is skipped.
beforeEach(async () => {
  images = await realImages();
  referrersTag = images.facts.webIndex.replace(":", "-");
}, 300_000);

/** With the fields that no specification knows, as another tool may have written them. */
async function freshCopy(): Promise<string> {
  const directory = join(await temporary(), "layout");
  await cp(images.layout, directory, { recursive: true, preserveTimestamps: true });
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  index.manifests.forEach((entry: Record<string, unknown>, at: number) => {
    entry["x-at"] = at;
    entry.annotations = { ...(entry.annotations as object), "com.example.note": `entry ${at}` };
  });
  await writeFile(path, JSON.stringify({ ...index, "x-tool": { version: 1 }, annotations: { "com.example": "kept" } }));
  return directory;
}

async function readableBySkopeo(directory: string, tags: readonly string[]): Promise<void> {
  const { index } = await readLayout(directory);
  for (const tag of tags) {
    const raw = await skopeo("inspect", "--raw", `oci:${directory}:${tag}`);
    const { digest } = index.manifests.find((entry) => nameOf(entry) === tag)!;
    expect(raw).toBe(await readFile(join(directory, "blobs", digest.replace(":", "/")), "utf8"));
  }
}

/** skopeo checks every digest while it copies. */
async function copiedBySkopeo(directory: string, tag: string): Promise<void> {
  await skopeo("copy", "--quiet", "--all", `oci:${directory}:${tag}`, `dir:${join(await temporary(), "copy")}`);
}

const TAGS = ["base", "base-arm64", "web-amd64", "web-arm64", "cache", "cache-zstd", "web", "the referrers tag"];
const named = (tag: string) => (tag === "the referrers tag" ? referrersTag : tag);

test("the layout has exactly these tags, no garbage and no damage", async () => {
  const layout = await readLayout(images.layout);
  expect(
    layout.index.manifests
      .map(nameOf)
      .filter((tag) => tag !== undefined)
      .sort(),
  ).toEqual(TAGS.map(named).sort());
  expect(layout.blobs.size).toBe(images.facts.blobs.length);
  expect(garbageIn(layout)).toEqual([]);
  expect(faultsOf(layout)).toEqual([]);
  const store = await opened(await freshCopy());
  expect(await findings(store)).toEqual([]);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
});

describe.each(TAGS)("%s", (label) => {
  test("deleted by tag", async () => {
    const tag = named(label);
    const directory = await freshCopy();
    const before = await readLayout(directory);
    const prediction = predict(before, tag);
    const store = await opened(directory);
    await deletesAsPredicted(store, directory, tag, prediction);

    const left = before.index.manifests.map(nameOf).filter((name) => name !== undefined && name !== tag) as string[];
    const expected = label === "web" ? left.filter((name) => name !== referrersTag) : left;
    expect(await tagsOf(store)).toEqual(expected.sort());
    expect(await findings(store)).toEqual([]);
    expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
    await readableBySkopeo(directory, expected);
    for (const other of expected) await copiedBySkopeo(directory, other);
  });

  test("untagged, and collected without grace", async () => {
    const tag = named(label);
    const directory = await freshCopy();
    const prediction = predict(await readLayout(directory), tag, { untag: true });
    const store = await opened(directory);
    await store.repository().untag(tag);

    const untagged = await readLayout(directory);
    expect(untagged.blobs.size).toBe(images.facts.blobs.length);
    expect(untagged.index).toEqual(prediction.index);
    expect(await removedBy(store, directory, await store.planCollect({ grace: 0 }))).toEqual(prediction.removed);
    const after = await readLayout(directory);
    expect(after.index).toEqual(prediction.index);
    expect(faultsOf(after)).toEqual([]);
    expect((await store.collect({ grace: 0 })).removed).toBe(0);
  });
});

test("what the naive mark predicts is what one would say by hand", async () => {
  const { facts } = images;
  const layout = await readLayout(images.layout);
  const removedWith = (tag: string) => predict(layout, tag).removed;
  const manifestsRemovedWith = (tag: string) => removedWith(tag).filter((digest) => layout.manifests.has(digest));
  const digestOf = (tag: string): Digest => facts.tags[tag]!.digest;
  // A child of an index that stays: the tag goes, and nothing else.
  expect(removedWith("web-amd64")).toEqual([]);
  expect(removedWith("web-arm64")).toEqual([]);
  // The base layer is in other images too.
  expect(manifestsRemovedWith("base")).toEqual([digestOf("base")]);
  expect(removedWith("base")).not.toContain(facts.sharedBaseLayer);
  expect(removedWith("base")).toHaveLength(2);
  // The twin has the same config.
  expect(manifestsRemovedWith("cache")).toEqual([digestOf("cache")]);
  expect(removedWith("cache")).toHaveLength(3);
  // Only the list of referrers: they have their subject.
  expect(removedWith(referrersTag)).toEqual([facts.referrers.fallbackIndex]);
  // The children have tags; the attestation has none, and the referrers have lost their subject.
  const { sbom, signature, fallbackIndex } = facts.referrers;
  const withWeb = [facts.webIndex, facts.attestation, sbom, signature, fallbackIndex];
  expect(manifestsRemovedWith("web")).toEqual(withWeb.sort());
});

test("web without the tags of its parts takes them, and what else uses their layers keeps those", async () => {
  const directory = await freshCopy();
  const store = await opened(directory);
  for (const tag of ["web-amd64", "web-arm64"]) await store.repository().delete(tag);
  const prediction = predict(await readLayout(directory), "web");
  const { facts } = images;
  expect(prediction.removed).toContain(facts.tags["web-amd64"]!.digest);
  expect(prediction.removed).toContain(facts.tags["web-arm64"]!.digest);
  expect(prediction.removed).toContain(facts.siteLayer);
  expect(prediction.removed).not.toContain(facts.sharedBaseLayer);
  await deletesAsPredicted(store, directory, "web", prediction);
  expect(await tagsOf(store)).toEqual(["base", "base-arm64", "cache", "cache-zstd"]);
});

describe.each(["first to last", "last to first"])("image by image, %s", (order) => {
  test("until nothing is left", async () => {
    const directory = await freshCopy();
    const store = await opened(directory);
    const { index } = await readLayout(directory);
    const tags = index.manifests.map(nameOf).filter((tag) => tag !== undefined);
    if (order === "last to first") tags.reverse();
    for (const tag of tags) {
      const before = await readLayout(directory);
      if (!before.index.manifests.some((entry) => nameOf(entry) === tag)) {
        // It went with its subject.
        expect(tag).toBe(referrersTag);
        expect(await store.repository().find(tag)).toBeUndefined();
        continue;
      }
      const after = await deletesAsPredicted(store, directory, tag, predict(before, tag));
      const collection = await store.collect({ grace: 0 });
      expect([collection.removed, collection.condemned, collection.kept]).toEqual([0, 0, []]);
      expect(await findings(store)).toEqual([]);
      await readableBySkopeo(
        directory,
        after.index.manifests.map(nameOf).filter((name) => name !== undefined),
      );
    }
    const end = await readLayout(directory);
    expect(end.blobs.size).toBe(0);
    expect(end.index.manifests).toEqual([]);
    expect(end.index).toMatchObject({ "x-tool": { version: 1 }, annotations: { "com.example": "kept" } });
  });
});

test("all at once is one plan", async () => {
  const directory = await freshCopy();
  const store = await opened(directory);
  const removed = await removedBy(store, directory, await store.repository().planDelete(TAGS.map(named)));
  expect(removed).toHaveLength(images.facts.blobs.length);
  expect((await readLayout(directory)).index.manifests).toEqual([]);
});

test("a child that an index holds is not deleted by digest", async () => {
  const directory = await freshCopy();
  const store = await opened(directory);
  const before = await readLayout(directory);
  for (const digest of [images.facts.tags["web-amd64"]!.digest, images.facts.attestation]) {
    expect(predict(before, digest).held).toBe(true);
    await expect(store.repository().planDelete(digest)).rejects.toMatchObject({
      code: "IN_USE",
      data: { holders: [images.facts.webIndex, "tag web"] },
    });
  }
  expect(await readLayout(directory)).toEqual(before);
});

describe("the SBOM, deleted by digest", () => {
  test("is refused while the index under the referrers tag names it", async () => {
    const directory = await freshCopy();
    const store = await opened(directory);
    const { sbom, fallbackIndex } = images.facts.referrers;
    const before = await readLayout(directory);
    expect(predict(before, sbom).held).toBe(true);
    await expect(store.repository().planDelete(sbom)).rejects.toMatchObject({
      code: "IN_USE",
      data: { holders: [fallbackIndex, "tag web"] },
    });
    expect(await readLayout(directory)).toEqual(before);
  });

  test("takes itself and its blob, and never the image", async () => {
    const directory = await freshCopy();
    const store = await opened(directory);
    const { sbom, signature } = images.facts.referrers;
    await deletesAsPredicted(store, directory, referrersTag, predict(await readLayout(directory), referrersTag));
    const before = await readLayout(directory);
    const prediction = predict(before, sbom);
    const [layer] = before.manifests.get(sbom)!.layers!;
    expect(prediction.removed).toEqual([sbom, layer!.digest].sort());
    await deletesAsPredicted(store, directory, sbom, prediction);
    const referrers: string[] = [];
    for await (const { digest } of store.repository().referrers(images.facts.webIndex)) referrers.push(digest);
    expect(referrers).toEqual([signature]);
    await copiedBySkopeo(directory, "web");
  });

  test("together with the referrers tag", async () => {
    const directory = await freshCopy();
    const store = await opened(directory);
    const { sbom, fallbackIndex } = images.facts.referrers;
    const before = await readLayout(directory);
    const [layer] = before.manifests.get(sbom)!.layers!;
    const plan = await store.repository().planDelete([referrersTag, sbom]);
    expect(await removedBy(store, directory, plan)).toEqual([fallbackIndex, sbom, layer!.digest].sort());
    await copiedBySkopeo(directory, "web");
  });
});

test("copied by skopeo with the index under the referrers tag, the image takes its referrers along when it goes", async () => {
  const theirs = join(await temporary(), "theirs");
  const { webIndex, referrers } = images.facts;
  await skopeo("copy", "--quiet", "--all", "--preserve-digests", `oci:${images.layout}:web`, `oci:${theirs}:web`);
  // Without --preserve-digests: version 1.9.3 drops `artifactType` from the descriptors, so this index gets another digest.
  await skopeo("copy", "--quiet", "--all", `oci:${images.layout}:${referrersTag}`, `oci:${theirs}:${referrersTag}`);
  const before = await readLayout(theirs);
  expect(before.index.manifests.map(nameOf)).toEqual(["web", referrersTag]);
  const store = await opened(theirs);
  const found: string[] = [];
  for await (const { digest } of store.repository().referrers(webIndex)) found.push(digest);
  expect(found).toEqual(expect.arrayContaining([referrers.sbom, referrers.signature]));
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  const prediction = predict(before, "web");
  expect(prediction.removed).toHaveLength(before.blobs.size);
  await deletesAsPredicted(store, theirs, "web", prediction);
});
