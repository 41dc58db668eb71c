import { describe, expect, test } from "vitest";
import {
  copy,
  copyAll,
  type Digest,
  digestOf,
  EMPTY_DESCRIPTOR,
  extendedCopy,
  MEDIA_TYPES,
  openMemory,
  packIndex,
  packManifest,
  type Session,
  type WritableRepository,
} from "../../src/index.ts";
import { but, findings, furnish, pair, recorder, stored, tagsOf, utf8 } from "./support.ts";

test("an index arrives with all that it names, byte for byte, and nothing else does", async () => {
  const { source, target, from, to } = await pair();
  const { v1, amd64, signature } = await furnish(from);
  const before = await stored(source);
  const receipt = await copy(from, to, "v1");
  expect(receipt.root).toMatchObject({ digest: v1.digest, size: v1.size, mediaType: v1.mediaType });
  expect(receipt).toMatchObject({ tags: ["v1"], referrers: 0, leftOut: [] });
  expect(receipt.manifests).toMatchObject({ copied: { count: 5 }, skipped: { count: 0 }, mounted: { count: 0 } });
  expect(receipt.blobs.copied.count).toBe(9);
  expect(await tagsOf(to)).toEqual({ v1: v1.digest });
  expect(await to.bytes("v1")).toEqual(await from.bytes("v1"));
  expect(await to.find(amd64)).toMatchObject({ digest: amd64.digest });
  expect(await to.find(signature)).toBeUndefined();
  expect(await findings(target)).toEqual([]);
  expect(await stored(source)).toEqual(before);
  expect((await stored(target)).size).toBe(14);
  expect(await target.collect({ grace: 0 })).toMatchObject({ removed: 0 });
});

test("the tags at the destination: another, several, none for a digest", async () => {
  const { from, to } = await pair();
  const { v1, amd64 } = await furnish(from);
  expect((await copy(from, to, "v1", { tags: ["a", "b/c:d"] })).tags).toEqual(["a", "b/c:d"]);
  expect(await tagsOf(to)).toEqual({ a: v1.digest, "b/c:d": v1.digest });
  expect((await copy(from, to, amd64.digest)).tags).toEqual([]);
  expect((await copy(from, to, amd64, { tags: ["amd64"] })).root.digest).toBe(amd64.digest);
  expect(await tagsOf(to)).toEqual({ a: v1.digest, "b/c:d": v1.digest, amd64: amd64.digest });
  await expect(copy(from, to, "v1", { tags: ["not a tag"] })).rejects.toMatchObject({ code: "REFERENCE_INVALID" });
});

test("what is there is not sent again, and a tag is set all the same", async () => {
  const { from, to } = await pair();
  await furnish(from);
  await copy(from, to, "v1");
  const { events, onProgress } = recorder();
  const again = await copy(from, to, "v1", { tags: ["v2"], onProgress });
  expect(again.manifests).toMatchObject({ copied: { count: 0, bytes: 0 }, skipped: { count: 5 } });
  expect(again.blobs).toMatchObject({ copied: { count: 0, bytes: 0 }, skipped: { count: 9 } });
  expect(events.filter((event) => event.startsWith("skipped"))).toHaveLength(14);
  expect(events.at(-1)).toBe("tagged v2");
  expect(Object.keys(await tagsOf(to))).toEqual(["v1", "v2"]);
});

test("only what is missing moves, though the manifest that needs it is there", async () => {
  const { target, from, to } = await pair();
  const { base, v1, amd64, arm64, windows, attestation } = await furnish(from);
  // All manifests are there, and one layer is not; so the images that need it are put again, and the rest is left alone.
  await to.session(async (session) => {
    for (const manifest of [amd64, arm64, windows, attestation, v1]) {
      for (const edge of await from.successors(manifest)) {
        if (edge.to === base.digest || edge.kind === "manifest") continue;
        await session.putBlob(await from.bytes(edge.to));
      }
      await session.putManifest({ bytes: await from.bytes(manifest) }, { sparse: true });
    }
  });
  const { manifests, blobs } = await copy(from, to, "v1");
  expect(blobs).toMatchObject({ copied: { count: 1, bytes: base.size }, skipped: { count: 8 } });
  expect(manifests).toMatchObject({ copied: { count: 4 }, skipped: { count: 1 } });
  expect(await stored(target)).toContain(base.digest);
  // Nothing is sparse any more: what was absent on purpose is needed from now on.
  const plan = await to.planDelete("v1");
  expect(plan.items.map(({ digest }) => digest)).toContain(base.digest);
  expect(await findings(target)).toEqual([]);
});

test("events: all is found before anything moves, what is named comes before what names it, the tag last", async () => {
  const { from, to } = await pair();
  const { v1, amd64, base } = await furnish(from);
  const { events, onProgress } = recorder();
  await copy(from, to, "v1", { onProgress });
  const at = (event: string) => events.indexOf(event);
  expect(events.slice(0, 14).every((event) => event.startsWith("found"))).toBe(true);
  expect(at(`copied blob ${base.digest}`)).toBeLessThan(at(`copied manifest ${amd64.digest}`));
  expect(at(`copying blob ${base.digest}`)).toBeLessThan(at(`copied blob ${base.digest}`));
  expect(at(`copied manifest ${amd64.digest}`)).toBeLessThan(at(`copied manifest ${v1.digest}`));
  expect(events.slice(-2)).toEqual([`copied manifest ${v1.digest}`, "tagged v1"]);
});

test("referrers come along at any depth, of every node, and are found at the destination", async () => {
  const { target, from, to } = await pair();
  const { v1, amd64, signature, sbom, signatureOfSignature } = await furnish(from);
  const receipt = await copy(from, to, "v1", { referrers: true });
  expect(receipt).toMatchObject({ referrers: 3, manifests: { copied: { count: 8 } } });
  const listed = async (subject: { digest: Digest }) => {
    const digests: Digest[] = [];
    for await (const { digest } of to.referrers(subject.digest)) digests.push(digest);
    return digests;
  };
  expect(await listed(v1)).toEqual([signature.digest]);
  expect(await listed(amd64)).toEqual([sbom.digest]);
  expect(await listed(signature)).toEqual([signatureOfSignature.digest]);
  expect(await findings(target)).toEqual([]);
  // They are the image's, and go with it.
  await to.delete("v1");
  expect(await stored(target)).toEqual(new Set());
});

test("a referrer brings its subject, where the source has that", async () => {
  const { from, to, target } = await pair();
  const { signatureOfSignature, signature, v1 } = await furnish(from);
  await copy(from, to, signatureOfSignature, { tags: ["sig"] });
  for (const each of [signatureOfSignature, signature, v1]) expect(await to.find(each)).toBeDefined();
  expect(await findings(target)).toEqual([]);
  const lonely = await from.session((session) => {
    const nowhere = { mediaType: MEDIA_TYPES.imageManifest, digest: digestOf(utf8("nowhere")), size: 7 };
    return session.putManifest(packManifest({ artifactType: "test/lonely", subject: nowhere }), { tags: ["lonely"] });
  });
  expect((await copy(from, to, "lonely")).root.digest).toBe(lonely.digest);
});

test("in one store blobs are mounted, and no bytes move", async () => {
  const store = await openMemory();
  const [from, to] = [store.repository("one"), store.repository("two")];
  await furnish(from);
  let read = 0;
  const watched = but(from, {
    blob: (...args) => {
      read += 1;
      return from.blob(...args);
    },
  });
  const { events, onProgress } = recorder();
  const receipt = await copy(watched, to, "v1", { onProgress });
  expect(events.filter((event) => event.startsWith("mounted blob "))).toHaveLength(9);
  expect(receipt.blobs).toMatchObject({ mounted: { count: 9 }, copied: { count: 0 }, skipped: { count: 0 } });
  expect(receipt.blobs.mounted.bytes).toBeGreaterThan(0);
  expect(read).toBe(0);
  expect(await to.bytes("v1")).toEqual(await from.bytes("v1"));
  await from.delete("v1");
  expect(await findings(store)).toEqual([]);
  expect((await stored(store)).size).toBe(14);
});

test("a layer whose type is that of a manifest stays a blob", async () => {
  const { from, to, target } = await pair();
  const { amd64 } = await furnish(from);
  const bytes = await from.bytes(amd64);
  const inner = await from.session(async (session) => {
    const other = await session.putBlob({
      stream: utf8(`{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.imageManifest}","config":{},"layers":"none"}`),
      mediaType: MEDIA_TYPES.imageManifest,
    });
    const layer = await session.putBlob({ stream: bytes, mediaType: MEDIA_TYPES.imageManifest });
    return session.putManifest(packManifest({ artifactType: "test/nested", layers: [layer, other] }), { tags: ["n"] });
  });
  const receipt = await copy(from, to, "n");
  expect(receipt.manifests.copied.count).toBe(1);
  expect(receipt.root.digest).toBe(inner.digest);
  expect(await stored(target)).toContain(amd64.digest);
  expect(await to.find(amd64)).toBeUndefined();
  expect(await findings(target)).toEqual([]);
});

test("types of Docker are copied byte for byte", async () => {
  const { from, to } = await pair();
  const list = await from.session(async (session) => {
    const config = await session.putBlob({ stream: utf8("{}"), mediaType: MEDIA_TYPES.dockerConfig });
    const layer = await session.putBlob({ stream: utf8("layer"), mediaType: MEDIA_TYPES.dockerLayerGzip });
    const mediaType = MEDIA_TYPES.dockerManifest;
    const image = utf8(JSON.stringify({ layers: [layer], config, mediaType, schemaVersion: 2, odd: [1, 2] }, null, 3));
    const child = await session.putManifest({ bytes: image });
    const entry = { platform: { os: "linux", architecture: "amd64" }, ...child };
    const listType = MEDIA_TYPES.dockerManifestList;
    const bytes = utf8(`${JSON.stringify({ manifests: [entry], schemaVersion: 2, mediaType: listType })}\n`);
    return session.putManifest({ bytes }, { tags: ["docker"] });
  });
  const { root } = await copy(from, to, "docker");
  expect(root).toMatchObject({ digest: list.digest, mediaType: MEDIA_TYPES.dockerManifestList });
  expect(await to.bytes("docker")).toEqual(await from.bytes("docker"));
});

test("options that are undefined are not given, and none reaches a repository where it means something else", async () => {
  const { from, to } = await pair();
  const { v1 } = await furnish(from);
  const seen = new Set<string>();
  const watched = new Proxy(from, {
    get(target, name) {
      const value = target[name as keyof typeof target];
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        for (const key of Object.keys((args.at(-1) ?? {}) as object)) seen.add(`${String(name)} ${key}`);
        return (value as (...args: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  const o = { concurrency: undefined, limit: undefined, tags: undefined, expect: undefined, platforms: undefined };
  expect((await copy(watched, to, "v1", { ...o, referrers: true })).root.digest).toBe(v1.digest);
  expect((await copyAll(watched, to, { limit: 1000, referrers: true })).tags).toEqual(["v1"]);
  const own = ["resolve signal", "bytes limit", "bytes signal", "blob signal", "referrers signal", "tags signal"];
  expect([...seen].filter((each) => !own.includes(each))).toEqual([]);
});

test("sha512 stays sha512", async () => {
  const { from, to } = await pair();
  const bytes = utf8("hashed at length");
  await from.session(async (session) => {
    const layer = await session.putBlob({ stream: bytes, digest: digestOf(bytes, "sha512") });
    const { bytes: manifest } = packManifest({ artifactType: "test/long", layers: [layer] });
    await session.putBlob(utf8("{}"));
    await session.putManifest({ bytes: manifest, digest: digestOf(manifest, "sha512") }, { tags: ["long"] });
  });
  const { root } = await copy(from, to, "long");
  expect(root.digest).toMatch(/^sha512:/);
  expect(await to.bytes(digestOf(bytes, "sha512"))).toEqual(bytes);
});

describe("layers that are left at their urls", () => {
  const foreign = async (session: Session, isStored: boolean) => {
    const bytes = utf8("a layer that must not be passed on");
    if (isStored) await session.putBlob(bytes);
    const described = { mediaType: MEDIA_TYPES.foreignLayer, digest: digestOf(bytes), size: bytes.length };
    const layer = { ...described, urls: ["https://example.com/layer"] };
    const own = await session.putBlob({ stream: utf8("mine"), mediaType: MEDIA_TYPES.layer });
    await session.putBlob(utf8("{}"));
    await session.putManifest(packManifest({ artifactType: "test/foreign", layers: [layer, own] }), { tags: ["f"] });
    return layer;
  };
  test("stay there if the source does not have them", async () => {
    const { from, to, target } = await pair();
    const layer = await from.session((session) => foreign(session, false));
    expect((await copy(from, to, "f")).blobs.copied.count).toBe(2);
    expect(await stored(target)).not.toContain(layer.digest);
    expect((await copy(from, to, "f")).blobs).toMatchObject({ copied: { count: 0 }, skipped: { count: 2 } });
  });
  test("come along if it has them", async () => {
    const { from, to, target } = await pair();
    const layer = await from.session((session) => foreign(session, true));
    expect((await copy(from, to, "f")).blobs.copied.count).toBe(3);
    expect(await stored(target)).toContain(layer.digest);
  });
});

test("one blob, named many times, is copied once", async () => {
  const { from, to } = await pair();
  await from.session(async (session) => {
    const layer = await session.putBlob(utf8("the same again"));
    const images = [];
    for (const name of ["a", "b", "c"]) {
      images.push(await session.putManifest(packManifest({ artifactType: `test/${name}`, layers: [layer, layer] })));
    }
    await session.putManifest(packIndex({ manifests: [...images, ...images] }), { tags: ["many"] });
  });
  const { events, onProgress } = recorder();
  const { blobs, manifests } = await copy(from, to, "many", { onProgress });
  expect(blobs.copied).toEqual({ count: 2, bytes: 14 + EMPTY_DESCRIPTOR.size });
  expect(manifests.copied.count).toBe(4);
  expect(new Set(events.filter((event) => event.startsWith("copied"))).size).toBe(6);
});

/** A repository, and what is put into it as a manifest, with which tags. */
function watched(to: WritableRepository) {
  const put: (readonly [Digest | undefined, readonly string[] | undefined])[] = [];
  const repository = but<WritableRepository>(to, {
    session: (work, o) =>
      to.session(
        (session) =>
          work({
            has: (...args) => session.has(...args),
            putBlob: (...args) => session.putBlob(...args),
            putManifest: (content, options) => {
              put.push([content.digest, options?.tags]);
              return session.putManifest(content, options);
            },
          }),
        o,
      ),
  });
  return { put, repository };
}

test("the root is put once, last, and with all its tags", async () => {
  const { from, to } = await pair();
  const { v1 } = await furnish(from);
  const { put, repository } = watched(to);
  await copy(from, repository, "v1", { referrers: true, tags: ["a", "b"] });
  expect(put).toHaveLength(8);
  expect(put.at(-1)).toEqual([v1.digest, ["a", "b"]]);
  expect(put.slice(0, -1).flatMap(([, tags]) => tags ?? [])).toEqual([]);
});

test("a root that others name comes before them, and once more for its tags", async () => {
  const { from, to } = await pair();
  const { signature } = await furnish(from);
  const outer = await from.session((session) => session.putManifest(packIndex({ manifests: [signature] })));
  const { put, repository } = watched(to);
  await extendedCopy(from, repository, signature, { tags: ["sig"], depth: 1 });
  const digests = put.map(([digest]) => digest);
  expect(digests.indexOf(signature.digest)).toBeLessThan(digests.indexOf(outer.digest));
  expect(put.at(-1)).toEqual([signature.digest, ["sig"]]);
  expect(put.slice(0, -1).flatMap(([, tags]) => tags ?? [])).toEqual([]);
});

test("a filter leaves out children and referrers, and is told what they are", async () => {
  const { from, to } = await pair();
  const { v1, amd64, windows, signature, sbom } = await furnish(from);
  const asked: string[] = [];
  const receipt = await copy(from, to, "v1", {
    referrers: true,
    filter: ({ platform, artifactType, annotations }, parent) => {
      asked.push(`${artifactType ?? platform?.os} by ${annotations?.by} of ${parent.digest}`);
      return platform?.os !== "windows" && artifactType !== "test/sbom";
    },
  });
  expect(receipt.leftOut).toEqual([windows.digest]);
  expect(asked).toContain(`test/sbom by bob of ${amd64.digest}`);
  expect(asked).toContain(`windows by undefined of ${v1.digest}`);
  expect(await to.find(windows)).toBeUndefined();
  expect(await to.find(sbom)).toBeUndefined();
  expect(await to.find(signature)).toBeDefined();
});

test("null: a tag that is taken is not overwritten, and nothing is copied", async () => {
  const { from, to, target } = await pair();
  const { v1 } = await furnish(from);
  await to.session((session) => session.putManifest(packManifest({ artifactType: "test/old" }), { tags: ["v1"] }));
  const before = await stored(target);
  const conflict = { code: "CONFLICT", data: { side: "destination", reference: "v1" } };
  await expect(copy(from, to, "v1", { expect: null })).rejects.toMatchObject(conflict);
  expect(await stored(target)).toEqual(before);
  const old = (await tagsOf(to)).v1!;
  await expect(copy(from, to, "v1", { expect: v1.digest })).rejects.toMatchObject(conflict);
  expect((await copy(from, to, "v1", { expect: old })).tags).toEqual(["v1"]);
  expect((await copy(from, to, "v1", { expect: null, tags: ["new"] })).tags).toEqual(["new"]);
});

test("null: a tag that is taken while the copy is under way is not overwritten either", async () => {
  const { from, to } = await pair();
  await furnish(from);
  const other = await to.session((session) => session.putManifest(packManifest({ artifactType: "test/other" })));
  const meddling = but(from, {
    blob: async function* (...args) {
      await to.tag(other, "v1");
      yield* from.blob(...args);
    },
  });
  await expect(copy(meddling, to, "v1", { expect: null })).rejects.toMatchObject({
    code: "CONFLICT",
    data: { side: "destination" },
  });
  expect(await tagsOf(to)).toEqual({ v1: other.digest });
});
