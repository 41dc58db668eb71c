import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, type Digest, digestOf, packIndex, packManifest } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { bytes } from "../support/bytes.ts";
import { putImage, tagsOf } from "../support/content.ts";
import { ForeignLayout } from "../support/foreign-layout.ts";
import { blobsOf, codeOf, fresh, opened } from "../support/fresh-layout.ts";

// What the tests of oras-go's content/oci fix, asked of a layout on the disk. The names in capitals are those of its tests;
// docs/parity.md has them all, and says where ours differs.

async function indexOf(directory: string): Promise<{ [key: string]: unknown; manifests: Descriptor[] }> {
  return JSON.parse(await readFile(join(directory, "index.json"), "utf8"));
}

const ABSENT = digestOf(bytes("nobody has stored this"));

describe("a store and what is in it", () => {
  test("SUCCESS: a blob makes no entry, a manifest one; both are found by digest, the tag leads to the manifest", async () => {
    const { directory, repository } = await fresh();
    expect(JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(await indexOf(directory)).toEqual({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests: [],
    });
    const session = repository.openSession("one");
    const layer = await session.putBlob({ stream: bytes("layer"), mediaType: "application/vnd.example.layer" });
    expect((await indexOf(directory)).manifests).toEqual([]);
    const image = await putImage(session, "image", { layers: [layer] });
    expect((await indexOf(directory)).manifests.map(({ digest }) => digest)).toEqual([image.digest]);
    await session.end();

    await repository.tag(image, "v1");
    expect((await indexOf(directory)).manifests).toHaveLength(1);
    expect(await repository.resolve("v1")).toMatchObject({ digest: image.digest, size: image.size });
    expect(await repository.resolve(image.digest)).toEqual(await repository.resolve("v1"));
    expect(await repository.bytes(layer.digest)).toEqual(bytes("layer"));
    expect(digestOf(await repository.bytes("v1"))).toBe(image.digest);
  });

  test("CONTENT NOT FOUND: a look says undefined, everything that needs it NOT_FOUND", async () => {
    const { repository } = await fresh();
    expect(await repository.find(ABSENT)).toBeUndefined();
    expect(await repository.find("v1")).toBeUndefined();
    const needed = [() => repository.resolve(ABSENT), () => repository.bytes(ABSENT), () => repository.manifest("v1")];
    for (const ask of needed) expect(await codeOf(ask())).toBe("NOT_FOUND");
  });

  test("CONTENT ALREADY EXISTS: pushing it again is no failure, and stores nothing a second time", async () => {
    const { store, repository } = await fresh();
    const push = () => repository.session((session) => putImage(session, "image", { tag: "v1" }));
    const first = await push();
    const before = await blobsOf(store);
    expect(await push()).toEqual(first);
    expect(await blobsOf(store)).toEqual(before);
  });

  test("BAD PUSH: other bytes than the digest says, or another size, and nothing is stored", async () => {
    const { store, repository } = await fresh();
    const put = (source: object) => repository.session((s) => s.putBlob({ stream: bytes("foo"), ...source } as never));
    expect(await codeOf(put({ digest: digestOf(bytes("bar")) }))).toBe("DIGEST_MISMATCH");
    expect(await codeOf(put({ size: 4 }))).toBe("SIZE_MISMATCH");
    expect(await codeOf(put({ size: 2 }))).toBe("SIZE_MISMATCH");
    expect(await blobsOf(store)).toEqual(new Set());
  });

  test("BAD DIGEST: malformed or of an algorithm that is not trusted, it is refused everywhere", async () => {
    const { repository } = await fresh();
    for (const digest of ["sha256:invalid", `sha256:${"0".repeat(63)}`, `sha256:${"A".repeat(64)}`, "sha512:ab"]) {
      expect(await codeOf(repository.resolve(digest))).toBe("DIGEST_INVALID");
      expect(await codeOf(repository.bytes(digest))).toBe("DIGEST_INVALID");
      expect(await codeOf(repository.tag(digest, "v1"))).toBe("DIGEST_INVALID");
      expect(await codeOf(repository.predecessors(digest))).toBe("DIGEST_INVALID");
      expect(await codeOf(repository.find(digest))).toBe("DIGEST_INVALID");
      const push = repository.session((s) => s.putBlob({ stream: bytes("x"), digest: digest as Digest }));
      expect(await codeOf(push)).toBe("DIGEST_INVALID");
      expect(await codeOf(repository.session((s) => s.has([digest as Digest])))).toBe("DIGEST_INVALID");
    }
    const sha1 = { mediaType: "a/b", size: 1, digest: `sha1:${"0".repeat(40)}` as Digest };
    expect(await codeOf(repository.resolve(sha1))).toBe("DIGEST_INVALID");
  });
});

describe("tags", () => {
  test("TAG NOT FOUND, TAG UNKNOWN CONTENT", async () => {
    const { repository } = await fresh();
    expect(await codeOf(repository.resolve("v1"))).toBe("NOT_FOUND");
    expect(await codeOf(repository.tag(ABSENT, "v1"))).toBe("NOT_FOUND");
    expect(await tagsOf(repository)).toEqual({});
  });

  test("REPEAT TAG: a tag that moves is one entry; what it left is garbage, unless something else keeps it", async () => {
    const { directory, store, repository } = await fresh();
    const [a, b] = await repository.session(async (session) => [
      await putImage(session, "a", { tag: "latest" }),
      await putImage(session, "b"),
    ]);
    await repository.tag(a!, "also");
    await repository.tag(b!, "latest");
    expect(await tagsOf(repository)).toEqual({ also: a!.digest, latest: b!.digest });
    expect((await indexOf(directory)).manifests.map(({ digest }) => digest).sort()).toEqual(
      [a!.digest, b!.digest].sort(),
    );
    await repository.tag(a!, "latest");
    expect(await tagsOf(repository)).toEqual({ also: a!.digest, latest: a!.digest });
    expect((await indexOf(directory)).manifests.map(({ digest }) => digest)).toEqual([a!.digest, a!.digest]);
    await store.collect({ grace: 0 });
    expect(await repository.find(b!.digest)).toBeUndefined();
    expect((await repository.resolve("also")).digest).toBe(a!.digest);
  });

  test("TAG BY DIGEST: a digest is no name for a tag, of the same content or of other", async () => {
    const { directory, repository } = await fresh();
    const image = await repository.session((session) => putImage(session, "image", { tag: "v1" }));
    const before = await indexOf(directory);
    for (const name of [image.digest, ABSENT])
      expect(await codeOf(repository.tag("v1", name))).toBe("REFERENCE_INVALID");
    expect(await indexOf(directory)).toEqual(before);
  });

  test("UNTAG, UNTAG ERROR PATH: the content stays; an unknown name is not found, nothing and a digest are no names", async () => {
    const { store, repository } = await fresh();
    const image = await repository.session((session) => putImage(session, "image", { tag: "v1" }));
    const before = await blobsOf(store);
    expect(await codeOf(repository.untag(""))).toBe("REFERENCE_INVALID");
    expect(await codeOf(repository.untag("v2"))).toBe("NOT_FOUND");
    expect(await codeOf(repository.untag(image.digest))).toBe("REFERENCE_INVALID");
    await repository.untag("v1");
    expect(await codeOf(repository.resolve("v1"))).toBe("NOT_FOUND");
    expect(await blobsOf(store)).toEqual(before);
  });

  test("TAG N: many names at once, all or none", async () => {
    const { repository } = await fresh();
    const image = await repository.session((session) => putImage(session, "image"));
    await repository.tag(image, ["v1", "v1.0", "latest"]);
    expect(await tagsOf(repository)).toEqual({ latest: image.digest, v1: image.digest, "v1.0": image.digest });
    expect(await codeOf(repository.tag(image, ["v2", "not a tag"]))).toBe("REFERENCE_INVALID");
    expect(Object.keys(await tagsOf(repository))).not.toContain("v2");
  });

  test("TAGS: ascending, from a name on, none after the last", async () => {
    const { repository } = await fresh();
    await repository.session((session) => putImage(session, "image", { tag: "b" }));
    await repository.tag("b", ["a", "C", "c"]);
    const names = async (after?: string) => {
      const found: string[] = [];
      for await (const { name } of repository.tags({ after })) found.push(name);
      return found;
    };
    expect([await names(), await names("a"), await names("aa"), await names("c")]).toEqual([
      ["C", "a", "b", "c"],
      ["b", "c"],
      ["b", "c"],
      [],
    ]);
  });
});

describe("a store that is opened again", () => {
  test("EXISTING STORE: tags, digests, untagged referrers, blobs and predecessors are what they were", async () => {
    const { directory, store, repository } = await fresh();
    const pushed = await repository.session(async (session) => {
      const layer = await session.putBlob(bytes("layer"));
      const image = await putImage(session, "image", { tag: "v1", layers: [layer] });
      return { layer, image, referrer: await putImage(session, "signature", { subject: image }) };
    });
    const before = await repository.predecessors(pushed.image);
    await store.close();
    const again = (await opened(directory)).repository;
    expect((await again.resolve("v1")).digest).toBe(pushed.image.digest);
    for (const { digest } of [pushed.image, pushed.referrer]) expect((await again.resolve(digest)).digest).toBe(digest);
    expect(await again.bytes(pushed.layer.digest)).toEqual(bytes("layer"));
    expect(await again.predecessors(pushed.image)).toEqual(before);
    expect(before.map(({ digest }) => digest)).toEqual([pushed.referrer.digest]);
  });

  test("PREDECESSORS: three levels with shared layers, pushed at once in any order", async () => {
    const { repository } = await fresh();
    const graph = await repository.session(async (session) => {
      const layers = await Promise.all(["1", "2", "3"].map((name) => session.putBlob(bytes(name))));
      const [a, b, c] = await Promise.all(
        [[0, 1], [1, 2], [2]].map((which, at) =>
          putImage(session, `image${at}`, { layers: which.map((each) => layers[each]!) }),
        ),
      );
      const inner = await session.putManifest(packIndex({ manifests: [a!, b!] }));
      const outer = await session.putManifest(packIndex({ manifests: [inner, c!] }), { tags: ["outer"] });
      const signature = await putImage(session, "signature", { subject: inner });
      return { layers, a: a!, b: b!, c: c!, inner, outer, signature };
    });
    const { layers, a, b, c, inner, outer, signature } = graph;
    const above = async (of: Descriptor) => (await repository.predecessors(of)).map(({ digest }) => digest);
    const sorted = (...of: Descriptor[]) => of.map(({ digest }) => digest).sort();
    expect(await above(layers[0]!)).toEqual(sorted(a));
    expect(await above(layers[1]!)).toEqual(sorted(a, b));
    expect(await above(layers[2]!)).toEqual(sorted(b, c));
    expect([await above(a), await above(c)]).toEqual([sorted(inner), sorted(outer)]);
    expect(await above(inner)).toEqual(sorted(outer, signature));
    expect(await above(outer)).toEqual([]);
    expect(await repository.predecessors(ABSENT)).toEqual([]);
  });
});

describe("deleting", () => {
  test("BASIC DELETE, DOUBLE DELETE: what is deleted is gone, and the second time not there", async () => {
    const { store, repository } = await fresh();
    const image = await repository.session((session) => putImage(session, "image"));
    await repository.delete(image.digest);
    expect(await repository.find(image.digest)).toBeUndefined();
    expect(await blobsOf(store)).toEqual(new Set());
    expect(await codeOf(repository.delete(image.digest))).toBe("NOT_FOUND");
  });

  test("FETCH AND DELETE: a reader that has begun reads to the end, whatever is deleted meanwhile", async () => {
    const { repository } = await fresh();
    const large = new Uint8Array(1 << 20).fill(7);
    const layer = await repository.session(async (session) => {
      const stored = await session.putBlob(large);
      await putImage(session, "image", { tag: "v1", layers: [stored] });
      return stored;
    });
    const reader = repository.blob(layer.digest)[Symbol.asyncIterator]();
    let read = (await reader.next()).value!.length;
    await repository.delete("v1");
    for (let piece = await reader.next(); !piece.done; piece = await reader.next()) read += piece.value.length;
    expect(read).toBe(large.length);
    expect(await codeOf(repository.bytes(layer.digest))).toBe("NOT_FOUND");
  });

  test("DELETE WITH AUTO GC: a layer of its own goes, a shared config stays; referrers of referrers go with their subject", async () => {
    const { store, repository } = await fresh();
    const made = await repository.session(async (session) => {
      const config = await session.putBlob({ stream: bytes("{}"), mediaType: "application/vnd.example.config" });
      const [own, other] = [await session.putBlob(bytes("own")), await session.putBlob(bytes("other"))];
      const image = await session.putManifest(packManifest({ config, layers: [own] }), { tags: ["v1"] });
      const second = await session.putManifest(packManifest({ config, layers: [other] }), { tags: ["v2"] });
      const sbomBlob = await session.putBlob(bytes("sbom"));
      const sbom = await putImage(session, "sbom", { subject: image, layers: [sbomBlob] });
      await putImage(session, "signature", { subject: sbom, layers: [sbomBlob] });
      return { config, other, second };
    });
    await repository.delete("v1");
    expect(await blobsOf(store)).toEqual(new Set([made.config.digest, made.other.digest, made.second.digest]));
  });

  test("PREDECESSORS AND DELETE: what a stored manifest names is not deleted, and says who names it", async () => {
    const { repository } = await fresh();
    const [child, index] = await repository.session(async (session) => {
      const image = await putImage(session, "child");
      return [image, await session.putManifest(packIndex({ manifests: [image] }), { tags: ["multi"] })];
    });
    await expect(repository.delete(child!.digest)).rejects.toMatchObject({
      code: "IN_USE",
      data: { digest: child!.digest, holders: [index!.digest, "tag multi"] },
    });
    expect((await repository.predecessors(child!)).map(({ digest }) => digest)).toEqual([index!.digest]);
  });
});

describe("collecting", () => {
  test("GC: tagged, what it names and its referrers stay; all else goes; the second time there is nothing to do", async () => {
    const { directory, store, repository } = await fresh();
    const kept = await repository.session(async (session) => {
      const layer = await session.putBlob(bytes("layer"));
      const image = await putImage(session, "image", { tag: "v1", layers: [layer] });
      const referrer = await putImage(session, "signature", { subject: image, layers: [layer] });
      await session.putBlob(bytes("nobody names this"));
      await putImage(session, "gone", { tag: "gone" });
      const parts = [await putImage(session, "part", { tag: "part" })];
      await session.putManifest(packIndex({ manifests: parts }), { tags: ["multi"] });
      return [layer, image, referrer].map(({ digest }) => digest);
    });
    const unknown = digestOf(bytes("unknown to the index"));
    await writeFile(join(directory, "blobs/sha256", unknown.slice(7)), "unknown to the index");
    for (const name of ["gone", "multi", "part"]) await repository.untag(name);
    const receipt = await store.collect({ grace: 0 });
    expect(receipt.removed).toBeGreaterThan(0);
    const empty = digestOf(bytes("{}"));
    expect(await blobsOf(store)).toEqual(new Set([...kept, empty]));
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0, skipped: 0 });
    await store.close();
    const again = await opened(directory);
    expect(await again.store.collect({ grace: 0 })).toMatchObject({ removed: 0, skipped: 0 });
    expect((await indexOf(directory)).manifests).toHaveLength(2);
  });

  test("GC ERROR PATH: stray files, names that are no digests and unknown algorithms are left alone", async () => {
    const { directory, store } = await fresh();
    const strays = ["blobs/sha256/not-a-digest", "blobs/stray", "blobs/md5/d41d8cd98f00b204e9800998ecf8427e", "stray"];
    await mkdir(join(directory, "blobs/sha256"), { recursive: true });
    await mkdir(join(directory, "blobs/md5"));
    for (const name of strays) await writeFile(join(directory, name), "stray");
    await mkdir(join(directory, "blobs/sha256", "0".repeat(64)));
    expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
    for (const name of strays) expect(await readFile(join(directory, name), "utf8")).toBe("stray");
  });

  test("a collection whose signal has been aborted rejects with its reason", async () => {
    const { store } = await fresh();
    const reason = new Error("enough");
    await expect(store.collect({ grace: 0, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("only content", () => {
  test("ROUND TRIP, CONCURRENT PUSH: 64 pushes of one blob at once all succeed, and one blob is there", async () => {
    const { store, repository } = await fresh();
    const stored = await repository.session((session) =>
      Promise.all(Array.from({ length: 64 }, () => session.putBlob(bytes("the same")))),
    );
    expect(new Set(stored.map(({ digest }) => digest))).toEqual(new Set([digestOf(bytes("the same"))]));
    expect((await blobsOf(store)).size).toBe(1);
    expect(await repository.bytes(stored[0]!.digest)).toEqual(bytes("the same"));
  });

  test("FETCH EXISTING BLOBS, CONCURRENT FETCH: what another tool has put there is read, by many at once", async () => {
    const layout = await ForeignLayout.make();
    const image = await layout.image("a");
    layout.list(image, "a");
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    const layer = (await repository.successors("a")).find(({ kind }) => kind === "layer")!;
    const all = await Promise.all(Array.from({ length: 64 }, () => repository.bytes(layer.to)));
    expect(all.every((each) => new TextDecoder().decode(each) === "layer of a")).toBe(true);
  });

  test("BAD INDEX, BAD LAYOUT: a file of garbage is said to be one, and left as it is", async () => {
    for (const [name, garbage] of [
      ["index.json", "[]"],
      ["oci-layout", "garbage"],
    ] as const) {
      const { directory, store } = await fresh();
      await store.close();
      await writeFile(join(directory, name), garbage);
      const use = async () => {
        const { repository } = await opened(directory);
        await repository.session((session) => putImage(session, "image", { tag: "v1" }));
      };
      expect(await codeOf(use())).toBe("LAYOUT_INVALID");
      expect(await readFile(join(directory, name), "utf8")).toBe(garbage);
      await rm(directory, { recursive: true });
    }
  });
});
