import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isOciStoreError } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { type OpenLayoutOptions, openLayout } from "../../src/index.ts";
import { ForeignLayout, short, snapshot } from "../support/foreign-layout.ts";

async function open(layout: ForeignLayout, o: OpenLayoutOptions = {}) {
  const store = await openLayout(layout.directory, o);
  onTestFinished(() => store.close());
  return { store, repository: store.repository() };
}

const digests = (items: Iterable<{ digest: string }>) => new Set([...items].map(({ digest }) => digest));

/** As oras writes it: the children are listed beside the index. */
async function listedChildren() {
  const layout = await ForeignLayout.make();
  const [amd, arm] = [await layout.image("amd64"), await layout.image("arm64")];
  const index = await layout.index([amd, arm]);
  layout.list(amd).list(arm).list(index, "latest");
  await layout.writeIndex();
  await layout.age();
  return { layout, amd, arm, index };
}

test("the question that started this: an index is deleted with its children, though they are listed", async () => {
  const { layout } = await listedChildren();
  const { repository, store } = await open(layout);
  const before = await layout.blobs();
  const receipt = await repository.delete("latest");
  expect(receipt.removed).toBe(before.size);
  expect(await layout.blobs()).toEqual(new Set());
  expect(await layout.listed()).toEqual([]);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
});

test("a child with a tag of its own, or another parent, stays", async () => {
  const { layout, amd, arm } = await listedChildren();
  layout.list(amd, "amd").list(await layout.index([arm], { annotations: { other: "yes" } }), "other");
  await layout.writeIndex();
  const { repository } = await open(layout);
  const plan = await repository.planDelete("latest");
  expect(plan.items).toHaveLength(1);
  expect(digests(plan.kept)).toEqual(digests([amd, arm]));
});

test("children are kept if that is asked for, as roots of their own", async () => {
  const { layout, amd, arm, index } = await listedChildren();
  const { repository, store } = await open(layout);
  await repository.delete("latest", { children: "keep" });
  expect(await layout.listed()).toEqual([short(amd.digest), short(arm.digest)]);
  expect(await layout.blobs()).not.toContain(index.digest);
  expect((await store.planCollect({ grace: 0 })).items).toEqual([]);
});

test("a kept child that another index names says so in its entry, and loses that with a tag", async () => {
  const { layout, amd, arm } = await listedChildren();
  const other = await layout.index([amd], { annotations: { other: "yes" } });
  layout.list(other, "other");
  await layout.writeIndex();
  const { repository } = await open(layout);
  await repository.delete("latest", { children: "keep" });
  await repository.delete("other");
  expect(await layout.listed()).toEqual([short(amd.digest), short(arm.digest)]);
  await repository.tag(amd, "amd");
  expect((await layout.readIndex()).manifests.find(({ digest }) => digest === amd.digest)?.annotations).toEqual({
    "org.opencontainers.image.ref.name": "amd",
  });
});

test("an untag takes out the entries that only the tag explained, and a collection then frees them all", async () => {
  const { layout } = await listedChildren();
  const { repository, store } = await open(layout);
  await repository.untag("latest");
  expect(await layout.listed()).toEqual([]);
  const held = await store.collect();
  expect(held).toMatchObject({ removed: 0, condemned: 0 });
  expect(held.kept.every(({ because }) => because === "grace")).toBe(true);
  expect(held.kept).toHaveLength(7);
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).toEqual(new Set());
});

test("an image that is tagged anew has its referrers again, but not one that was deleted by name", async () => {
  const layout = await ForeignLayout.make();
  const image = await layout.image("image");
  const [signature, sbom] = [
    await layout.image("signature", { subject: image }),
    await layout.image("sbom", { subject: image }),
  ];
  const onSignature = await layout.image("on the signature", { subject: signature });
  layout.list(image, "v1").list(signature).list(sbom).list(onSignature);
  await layout.writeIndex();
  const { repository, store } = await open(layout);
  await repository.delete(sbom, { window: 60_000 });
  await repository.untag("v1");
  expect(await layout.listed()).toEqual([]);
  await repository.tag(image, "again");
  expect(new Set(await layout.listed())).toEqual(
    new Set(["again", short(signature.digest), short(onSignature.digest)]),
  );
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).toContain(onSignature.digest);
});

test("without a catalog each untagged entry that nothing explains is a root", async () => {
  const layout = await ForeignLayout.make();
  const [child, alone] = [await layout.image("child"), await layout.image("alone")];
  const outer = await layout.index([child]);
  layout.list(child).list(outer).list(alone);
  await layout.writeIndex();
  const { store } = await open(layout, { readOnly: true });
  const roots = [];
  for await (const root of store.roots()) roots.push(root);
  expect(roots.map(({ why }) => why)).toEqual(["own", "own"]);
  expect(digests(roots)).toEqual(digests([outer, alone]));
});

test("roots: listed makes a root of every entry", async () => {
  const { layout, amd, arm, index } = await listedChildren();
  const { store, repository } = await open(layout, { roots: "listed" });
  const roots = new Set<string>();
  for await (const { digest } of store.roots()) roots.add(digest);
  expect(roots).toEqual(digests([amd, arm, index]));
  expect(digests((await repository.planDelete("latest")).items)).toEqual(digests([index]));
});

test("listed referrers go with their image, a tagged one keeps it, and --referrers takes that too", async () => {
  const layout = await ForeignLayout.make();
  const image = await layout.image("image");
  const signature = await layout.image("signature", { subject: image });
  const onSignature = await layout.image("on the signature", { subject: signature });
  layout.list(image, "v1").list(signature).list(onSignature);
  await layout.writeIndex();
  await layout.age();
  const { repository } = await open(layout);
  expect(digests((await repository.planDelete("v1")).items).size).toBe(9);
  expect(digests((await repository.planDelete(signature)).items)).not.toContain(image.digest);

  await repository.tag(onSignature, "keep");
  const held = await repository.planDelete("v1");
  expect(held.items).toEqual([]);
  expect(held.kept).toMatchObject([{ digest: image.digest, because: "live" }]);
  expect(held.kept[0]?.heldBy.join(" ")).toContain("tag keep");
  await repository.delete("v1", { referrers: true });
  expect(await layout.listed()).toEqual([]);
  expect(await layout.blobs()).toEqual(new Set());
});

test("a referrers tag, and a signature tag of cosign, are no roots while what they are named after is stored", async () => {
  const layout = await ForeignLayout.make();
  const image = await layout.image("image");
  const other = await layout.image("other");
  const sbom = await layout.image("sbom", { subject: image });
  const cosigned = await layout.image("cosign signature");
  const name = image.digest.replace(":", "-");
  layout
    .list(image, "v1")
    .list(other, "other")
    .list(await layout.index([sbom]), name)
    .list(cosigned, `${name}.sig`);
  layout.list(await layout.index([other]), other.digest.replace(":", "-"));
  await layout.writeIndex();
  await layout.age();
  const { repository } = await open(layout);
  await repository.delete("v1");
  // The last is an index of something else under such a name: a tag like any other.
  expect(await layout.listed()).toEqual(["other", other.digest.replace(":", "-")]);
  expect(await layout.blobs()).not.toContain(cosigned.digest);
  expect(await layout.blobs()).not.toContain(sbom.digest);
});

test.each(["by a referrers tag", "by itself"])(
  "an image that is untagged while somebody holds it goes afterwards, with what refers to it %s",
  async (how) => {
    const layout = await ForeignLayout.make();
    const image = await layout.image("image");
    const sbom = await layout.image("sbom", { subject: image });
    layout.list(image, "v1");
    if (how === "by itself") layout.list(sbom);
    else layout.list(await layout.index([sbom]), image.digest.replace(":", "-"));
    await layout.writeIndex();
    await layout.age();
    const { store, repository } = await open(layout);
    const session = repository.openSession("holding");
    await session.has([image.digest]);
    await repository.untag("v1");
    expect(await layout.listed()).toEqual([]);
    await store.collect({ grace: 0 });
    expect(await layout.blobs()).toContain(image.digest);
    await session.end();
    await store.collect({ grace: 0 });
    expect(await layout.blobs()).toEqual(new Set());
  },
);

test("a live manifest that cannot be read holds back every blob, and is named", async () => {
  const { layout, amd } = await listedChildren();
  const other = await layout.image("other");
  layout.list(other, "other");
  await layout.writeIndex();
  await writeFile(layout.path(amd.digest), "{ not what it was");
  const { repository, store } = await open(layout);
  const plan = await repository.planDelete("other");
  expect(plan.items).toEqual([]);
  expect(plan.kept.map(({ because }) => because)).toEqual(["unreadable", "unreadable", "unreadable"]);
  expect(plan.kept[0]?.heldBy[0]).toContain(amd.digest);
  await store.apply(plan);
  expect(await layout.listed()).not.toContain("other");
  expect(await layout.blobs()).toContain(other.digest);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, condemned: 0 });

  // Given up by name it is live no longer, and stops nothing.
  await repository.delete("latest");
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).toEqual(new Set());
});

test("what is absent is reported, and stops nothing", async () => {
  const { layout, arm, index } = await listedChildren();
  await rm(layout.path(arm.digest));
  const stray = await layout.blob("stray");
  await layout.age();
  const { repository, store } = await open(layout);
  const findings = [];
  for await (const finding of store.check()) findings.push(finding);
  expect(findings).toMatchObject(
    [
      { code: "missing", digest: arm.digest, namedBy: index.digest },
      { code: "dangling", digest: arm.digest },
    ].slice(0, findings.length),
  );
  expect(findings.length).toBeGreaterThan(0);
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).not.toContain(stray.digest);
  await repository.delete("latest");
  expect((await store.collect({ grace: 0 })).kept).toEqual([]);
  expect(await layout.blobs()).toEqual(new Set());
});

test("an index that is sparse may get another tag and a pin while it is live, and neither once it is garbage", async () => {
  const { layout, arm, index } = await listedChildren();
  await rm(layout.path(arm.digest));
  const { repository } = await open(layout);
  await repository.tag("latest", "again");
  await repository.pin("latest", "kept");
  await repository.unpin("kept");
  await repository.untag("again");
  await repository.untag("latest");
  const error = await repository.tag(index, "too-late").catch((caught) => caught);
  expect(isOciStoreError(error, "MISSING_CONTENT"), String(error)).toBe(true);
});

test("an entry of a type nobody knows keeps what it mentions, if it is JSON; if not, itself", async () => {
  const layout = await ForeignLayout.make();
  const mentioned = await layout.blob("mentioned");
  const image = await layout.image("mentioned image");
  const unknown = await layout.json(
    { parts: [`at ${mentioned.digest}`], of: { [image.digest]: 1 } },
    "application/vnd.unknown+json",
  );
  const xml = await layout.blob("<xml/>", "application/xml");
  layout.list(unknown, "unknown").list(xml);
  await layout.writeIndex();
  await layout.age();
  const before = await layout.blobs();
  const { store, repository } = await open(layout);
  await store.collect({ grace: 0 });
  expect(await layout.blobs()).toEqual(before);
  await repository.delete("unknown");
  expect(await layout.blobs()).toEqual(new Set([xml.digest]));
});

test("nothing is deleted while an entry of index.json cannot be understood; everything else goes on", async () => {
  const { layout } = await listedChildren();
  layout.entries.push({ mediaType: "application/vnd.oci.image.manifest.v1+json", digest: "sha256:xyz", size: -1 });
  await layout.writeIndex();
  await layout.blob("garbage, for all we know");
  const before = await snapshot(join(layout.directory, "blobs"));
  const { repository, store } = await open(layout);
  expect((await repository.resolve("latest")).mediaType).toContain("index");
  for (const attempt of [() => repository.delete("latest"), () => store.collect({ grace: 0 })]) {
    const error = await attempt().catch((caught) => caught);
    expect(isOciStoreError(error, "LAYOUT_INVALID"), String(error)).toBe(true);
  }
  expect(await snapshot(join(layout.directory, "blobs"))).toEqual(before);
  await repository.tag("latest", "again");
  expect(await layout.listed()).toContain("again");
  expect((await layout.readIndex()).manifests).toContainEqual(layout.entries.at(-1));
});

test("nor is what was condemned before that erased, or brought back", async () => {
  const { layout } = await listedChildren();
  const { repository, store } = await open(layout);
  const { header } = await repository.planDelete("latest", { window: 60_000 });
  expect(header.hold).toBe(60_000);
  await repository.delete("latest", { window: 60_000 });
  const trash = await snapshot(join(layout.directory, ".ocistore/trash"));
  await writeFile(join(layout.directory, "index.json"), '{"schemaVersion":2,"manifests":[{"digest":"sha256:xyz"}]}');
  const purge = store.parts.catalog.purge(async (rows) => rows.map(({ digest }) => digest), {
    due: Date.now() + 3_600_000,
    limit: 100,
  });
  await expect(purge).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await expect(store.undo()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  expect(await snapshot(join(layout.directory, ".ocistore/trash"))).toEqual(trash);
});

test("one digest under two media types is one piece of content", async () => {
  const layout = await ForeignLayout.make();
  const shared = await layout.blob("shared bytes");
  const one = await layout.image("one", { layers: [shared] });
  const two = await layout.image("two", { layers: [{ ...shared, mediaType: "application/vnd.example.model" }] });
  layout.list(one, "one").list(two, "two");
  await layout.writeIndex();
  await layout.age();
  const { repository } = await open(layout);
  await repository.delete("one");
  expect(await layout.blobs()).toContain(shared.digest);
  await repository.delete("two");
  expect(await layout.blobs()).toEqual(new Set());
});

test("planning, looking and checking write nothing, times included", async () => {
  const { layout } = await listedChildren();
  const before = await snapshot(layout.directory);
  const { repository, store } = await open(layout);
  await repository.planDelete("latest");
  await store.planCollect({ grace: 0 });
  await store.usage();
  for await (const _ of store.check()) expect.unreachable("nothing is damaged");
  for await (const _ of store.why((await repository.resolve("latest")).digest)) break;
  expect(await snapshot(layout.directory)).toEqual(before);
  const readOnly = await open(layout, { readOnly: true });
  const error = await readOnly.repository.untag("latest").catch((caught) => caught);
  expect(isOciStoreError(error, "READ_ONLY")).toBe(true);
  expect(await snapshot(layout.directory)).toEqual(before);
});

test("unknown files, and names that are no digests, are left alone", async () => {
  const { layout } = await listedChildren();
  const strangers = ["manifest.json", "blobs/sha256/.DS_Store", "blobs/sha256/tmp-1", "blobs/foo"];
  for (const name of strangers) await writeFile(join(layout.directory, name), "not ours");
  const { repository, store } = await open(layout);
  await repository.delete("latest");
  await store.collect({ grace: 0 });
  const left = await snapshot(layout.directory);
  for (const name of strangers) expect(left).toHaveProperty([name]);
});
