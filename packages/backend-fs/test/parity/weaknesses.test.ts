import { readFile, rm, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copy, type Digest, openMemory, packIndex } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { bytes } from "../support/bytes.ts";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { type Described, ForeignLayout, IMAGE, short } from "../support/foreign-layout.ts";
import { blobsOf, codeOf, fresh, opened } from "../support/fresh-layout.ts";

// Where oras-go's store is weak, by the numbers of its study: each shows that it is otherwise here.

const digests = (...of: readonly Described[]) => new Set(of.map(({ digest }) => digest));

describe("collecting", () => {
  test("W1: an untagged referrer whose subject has gone, and one of that, are garbage and not an endless loop", async () => {
    const { store, repository } = await fresh();
    await repository.session(async (session) => {
      const image = await putImage(session, "image", { tag: "v1" });
      const signature = await putImage(session, "signature", { subject: image });
      await putImage(session, "on-the-signature", { subject: signature });
    });
    await repository.untag("v1");
    await store.collect({ grace: 0 });
    expect(await blobsOf(store)).toEqual(new Set());
  });

  test("W2: what is collected is gone from index.json, and a store that is opened again collects again", async () => {
    const { directory, store, repository } = await fresh();
    await repository.session(async (session) => {
      await putImage(session, "kept", { tag: "kept" });
      await putImage(session, "gone", { tag: "gone" });
    });
    await repository.untag("gone");
    await store.collect({ grace: 0 });
    await store.close();
    expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests).toHaveLength(1);
    const again = await opened(directory);
    expect(await again.store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
    expect(await errorsOf(again.store)).toEqual([]);
  });

  test("W16: what another tool has listed without a name is no garbage", async () => {
    const layout = await ForeignLayout.make();
    layout.list(await layout.image("nameless"));
    await layout.writeIndex();
    await layout.age();
    const before = await layout.blobs();
    const { store } = await opened(layout.directory);
    await store.collect({ grace: 0 });
    expect(await layout.blobs()).toEqual(before);
  });
});

describe("deleting", () => {
  test("W3: a blob that is named under two media types goes with the last that names it", async () => {
    const layout = await ForeignLayout.make();
    const shared = await layout.blob("shared");
    const one = await layout.image("one", { layers: [shared] });
    const other = await layout.image("other", { layers: [{ ...shared, mediaType: "application/vnd.example.other" }] });
    layout.list(one, "one").list(other, "other");
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    await repository.delete("one");
    expect(await layout.blobs()).toContain(shared.digest);
    await repository.delete("other");
    expect(await layout.blobs()).toEqual(new Set());
  });

  test("W4: a referrer goes without its subject, tagged or not, also if it is the last of several", async () => {
    const { store, repository } = await fresh();
    const made = await repository.session(async (session) => {
      const image = await putImage(session, "image");
      const signatures = [
        await putImage(session, "one", { subject: image }),
        await putImage(session, "two", { subject: image }),
      ];
      return { image, signatures };
    });
    for (const signature of made.signatures) await repository.delete(signature.digest);
    expect((await repository.manifest(made.image.digest)).layers).toHaveLength(1);
    expect(await errorsOf(store)).toEqual([]);
  });

  test("W5: a referrer with a tag of its own is not deleted with its subject, unless that is asked for", async () => {
    const { repository } = await fresh();
    await repository.session(async (session) => {
      const image = await putImage(session, "image", { tag: "v1" });
      await putImage(session, "signature", { subject: image, tag: "signed" });
    });
    await repository.delete("v1");
    expect(Object.keys(await tagsOf(repository))).toEqual(["signed"]);
    await repository.delete("signed", { referrers: true });
    expect(await tagsOf(repository)).toEqual({});
  });

  test("W6: a referrer that another referrer nests is taken once, whatever the order", async () => {
    const layout = await ForeignLayout.make();
    const image = await layout.image("image");
    const inner = await layout.image("inner", { subject: image });
    const outer = await layout.index([inner], { subject: image });
    layout.list(image, "v1").list(inner).list(outer);
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    const receipt = await repository.delete("v1");
    expect(receipt.skipped).toBe(0);
    expect(await layout.blobs()).toEqual(new Set());
  });

  test("W7: of a sparse image what is there goes, and the rest is no failure", async () => {
    const layout = await ForeignLayout.make();
    const [there, absent] = [await layout.image("there"), await layout.image("absent")];
    layout.list(await layout.index([there, absent]), "v1");
    await layout.writeIndex();
    await unlink(layout.path(absent.digest));
    const { store, repository } = await opened(layout.directory);
    await repository.delete("v1");
    // What only the absent child named is named by nobody, and is for a collection.
    expect(await layout.blobs()).not.toContain(there.digest);
    expect(await tagsOf(repository)).toEqual({});
    await store.collect({ grace: 0 });
    expect(await layout.blobs()).toEqual(new Set());
  });

  test("W24: the digest of a blob is no image to delete, and a plan says all that would go", async () => {
    const { repository } = await fresh();
    const layer = await repository.session(async (session) => {
      const stored = await session.putBlob(bytes("layer"));
      await putImage(session, "image", { tag: "v1", layers: [stored] });
      return stored;
    });
    expect(await codeOf(repository.delete(layer.digest))).toBe("NOT_FOUND");
    expect((await repository.planDelete("v1")).items.length).toBe(3);
    expect(await repository.find("v1")).toBeDefined();
  });
});

describe("pushing", () => {
  test("W9: a push that fails leaves no file behind", async () => {
    const { directory, store, repository } = await fresh();
    const failing = repository.session((session) => session.putBlob({ stream: bytes("foo"), size: 4 }));
    expect(await codeOf(failing)).toBe("SIZE_MISMATCH");
    for await (const upload of store.parts.blobs.uploads()) expect(upload).toBeUndefined();
    expect(await blobsOf(store)).toEqual(new Set());
    expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests).toEqual([]);
  });

  test("W11: index.json lists what is tagged or stands for itself, and no child of an index", async () => {
    const layout = await ForeignLayout.make();
    const child = await layout.image("child");
    layout.list(child).list(await layout.index([child]), "v1");
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    await repository.untag("v1");
    expect(await layout.listed()).toEqual([]);
    // Of its own pushes it lists no child either, and what nothing names only until something does.
    const pushed = await repository.session(async (session) => {
      const children = [await putImage(session, "amd64"), await putImage(session, "arm64")];
      expect((await layout.listed()).sort()).toEqual(children.map(({ digest }) => short(digest)).sort());
      await session.putManifest(packIndex({ manifests: children }), { tags: ["v2"] });
      return putImage(session, "own");
    });
    expect((await layout.listed()).sort()).toEqual([short(pushed.digest), "v2"].sort());
  });

  test("W17: a copy does not believe that a manifest that is there has all that it names", async () => {
    const source = await openMemory();
    const layer = await source.repository().session(async (session) => {
      const stored = await session.putBlob(bytes("layer"));
      await putImage(session, "image", { tag: "v1", layers: [stored] });
      return stored;
    });
    const { directory, store, repository } = await fresh();
    await copy(source.repository(), repository, "v1");
    await unlink(join(directory, "blobs", ...layer.digest.split(":")));
    await copy(source.repository(), repository, "v1");
    expect(await errorsOf(store)).toEqual([]);
  });

  test("W17: a manifest that lies there and that nothing lists is listed when it is pushed again", async () => {
    const layout = await ForeignLayout.make();
    const lost = await layout.image("lost");
    const { store, repository } = await opened(layout.directory);
    expect(await layout.listed()).toEqual([]);
    const manifest = { bytes: await readFile(layout.path(lost.digest)), mediaType: IMAGE };
    await repository.session((session) => session.putManifest(manifest, { tags: ["found"] }));
    expect((await repository.resolve("found")).digest).toBe(lost.digest);
    expect(await layout.listed()).toEqual(["found"]);
    expect(await errorsOf(store)).toEqual([]);
  });

  test("W27: a tag that moved does not hold what it left; a digest and any string are no tags", async () => {
    const { store, repository } = await fresh();
    const [a, b] = await repository.session(async (session) => [
      await putImage(session, "a", { tag: "latest" }),
      await putImage(session, "b"),
    ]);
    await repository.tag(b!, "latest");
    await store.collect({ grace: 0 });
    expect(await repository.find(a!.digest)).toBeUndefined();
    for (const name of [a!.digest, "with space", "line\nbreak", ""])
      expect(await codeOf(repository.tag("latest", name))).toBe("REFERENCE_INVALID");
  });
});

describe("reading", () => {
  test("W18: what is damaged neither stops a store from opening nor is given out, and a push mends it", async () => {
    const layout = await ForeignLayout.make();
    const [sound, damaged] = [await layout.image("sound"), await layout.image("damaged")];
    layout.list(sound, "sound").list(damaged, "damaged");
    await layout.writeIndex();
    const manifest = { bytes: await readFile(layout.path(damaged.digest)), mediaType: IMAGE };
    await writeFile(layout.path(damaged.digest), "{");
    const layer = await layout.blob("layer of sound");
    await writeFile(layout.path(layer.digest), "LAYER OF SOUND");
    const { store, repository } = await opened(layout.directory);
    expect((await repository.manifest("sound")).layers).toHaveLength(1);
    expect(await codeOf(repository.manifest("damaged"))).toBe("CORRUPT");
    expect((await errorsOf(store)).some((error) => error.includes(damaged.digest))).toBe(true);
    expect(await codeOf(repository.bytes(layer.digest))).toBe("CORRUPT");
    await repository.session(async (session) => {
      await session.putBlob(bytes("layer of sound"));
      await session.putManifest(manifest);
    });
    expect(await errorsOf(store)).toEqual([]);
    expect(new TextDecoder().decode(await repository.bytes(layer.digest))).toBe("layer of sound");
    expect((await repository.manifest("damaged")).layers).toHaveLength(1);
  });

  test("W19, W20: two entries of one name, fields that nobody knows and their order survive a change", async () => {
    const layout = await ForeignLayout.make();
    const [a, b, c] = [await layout.image("a"), await layout.image("b"), await layout.image("c")];
    layout.list(a, "twice", { "x-of-somebody": 1 }).list(b, "twice").list(c, "c");
    await layout.writeIndex({ "x-top": { kept: true } });
    const { repository } = await opened(layout.directory);
    await repository.tag("c", "d");
    const index = await layout.readIndex();
    expect(index["x-top"]).toEqual({ kept: true });
    expect(index.manifests.slice(0, 3).map(({ digest }) => digest)).toEqual([a.digest, b.digest, c.digest]);
    expect(index.manifests[0]).toMatchObject({ "x-of-somebody": 1 });
    await repository.delete("c");
    expect(await layout.blobs()).toContain(a.digest);
  });

  test("W20: with the last tag gone, index.json has a list, and an empty one", async () => {
    const { directory, repository } = await fresh();
    await repository.session((session) => putImage(session, "image", { tag: "v1" }));
    await repository.delete("v1");
    expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8")).manifests).toEqual([]);
  });

  test("W23: who names it, why it is kept, and all that is stored can be asked", async () => {
    const { store, repository } = await fresh();
    const layer = await repository.session(async (session) => {
      const stored = await session.putBlob(bytes("layer"));
      await putImage(session, "image", { tag: "v1", layers: [stored] });
      return stored;
    });
    expect(await repository.predecessors(layer)).toHaveLength(1);
    const reasons = [];
    for await (const { root } of store.why(layer.digest)) reasons.push(`${root.why} ${root.name}`);
    expect(reasons).toEqual(["tag v1"]);
    expect((await blobsOf(store)).size).toBe(3);
  });

  test("W26: a manifest that stands as a layer is a blob, and what it names does not come along", async () => {
    const source = await ForeignLayout.make();
    const hidden = await source.image("hidden");
    source.list(await source.image("image", { layers: [{ ...hidden, mediaType: IMAGE }] }), "v1");
    await source.writeIndex();
    const { repository } = await opened(source.directory);
    const target = await openMemory();
    const { manifests } = await copy(repository, target.repository(), "v1");
    expect(manifests.copied.count).toBe(1);
    await target.repository().resolve("v1");
    await rm(source.directory, { recursive: true });
    expect((await target.repository().bytes(hidden.digest)).length).toBe(hidden.size);
    // The manifest, its config and that layer.
    expect((await blobsOf(target)).size).toBe(3);
  });

  test("W25: referrers by a listed manifest and by a referrers tag are both found", async () => {
    const layout = await ForeignLayout.make();
    const image = await layout.image("image");
    const [listed, byTag] = [
      await layout.image("listed", { subject: image, artifactType: "application/vnd.example.listed" }),
      await layout.image("by tag", { subject: image, artifactType: "application/vnd.example.tag" }),
    ];
    layout
      .list(image, "v1")
      .list(listed)
      .list(await layout.index([byTag]), image.digest.replace(":", "-"));
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    const found = new Set<Digest>();
    for await (const { digest } of repository.referrers("v1")) found.add(digest);
    expect(found).toEqual(digests(listed, byTag));
  });
});
