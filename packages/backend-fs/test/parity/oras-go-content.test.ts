import { chmod, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { copy, openMemory, packIndex, packManifest } from "@ocistore/core";
import { describe, expect, test } from "vitest";
import { nodeFileSystem } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { errorsOf, putImage, tagsOf } from "../support/content.ts";
import { faultyFileSystem } from "../support/faulty-file-system.ts";
import { ForeignLayout } from "../support/foreign-layout.ts";
import { blobsOf, codeOf, fresh, opened } from "../support/fresh-layout.ts";

// What oras-go has for reading content and for naming it, and where ours differs. docs/parity.md has it all.

test("AUTO SAVE INDEX: a manifest with its tags is one write of index.json, and many tags at once are one", async () => {
  const disk = nodeFileSystem();
  let writes = 0;
  const rename = (from: string, to: string) => {
    if (to.endsWith("/index.json")) writes += 1;
    return disk.rename(from, to);
  };
  const { repository } = await fresh({ fs: { ...disk, rename } });
  const written = async (work: () => Promise<unknown>) => {
    writes = 0;
    await work();
    return writes;
  };
  const session = repository.openSession("one");
  const layers = [await session.putBlob(bytes("layer")), await session.putBlob(bytes("{}"))];
  const packed = packManifest({ artifactType: "application/vnd.example", layers });
  expect(await written(() => session.putManifest(packed, { tags: ["v1", "v1.0"] }))).toBe(1);
  expect(await written(() => repository.tag("v1", ["a", "b", "c", "d"]))).toBe(1);
  expect(await written(() => repository.untag("d"))).toBe(1);
  expect(Object.keys(await tagsOf(repository))).toEqual(["a", "b", "c", "v1", "v1.0"]);
  await session.end();
});

test("RESOLVE: by tag and by digest it is what is stored, whatever a caller or an entry of index.json says of it", async () => {
  const layout = await ForeignLayout.make();
  const image = await layout.image("image");
  layout.entries.push({
    ...image,
    artifactType: "application/vnd.of.the.entry",
    platform: { os: "linux", architecture: "arm64" },
    annotations: { "org.opencontainers.image.ref.name": "v1", note: "of the entry" },
  });
  await layout.writeIndex();
  const { repository } = await opened(layout.directory);
  const stored = await repository.resolve("v1");
  expect(stored).toEqual(await repository.resolve(image.digest));
  expect(stored).toMatchObject({ digest: image.digest, size: image.size, mediaType: image.mediaType });
  for (const field of ["platform", "annotations"]) expect(stored).not.toHaveProperty(field);
  expect(stored.artifactType).not.toBe("application/vnd.of.the.entry");
  const said = { digest: stored.digest, mediaType: "text/plain", size: 1, annotations: { note: "of a caller" } };
  expect(await repository.tag(said, "v2")).toEqual(stored);
  expect(await repository.resolve("v2")).toEqual(stored);
  expect(await repository.resolve(said)).toEqual(stored);
});

test("EXPECT: a tag is set and taken only where the caller has seen it", async () => {
  const { repository } = await fresh();
  const [a, b] = await repository.session(async (session) => [
    await putImage(session, "a", { tag: "a" }),
    await putImage(session, "b", { tag: "b" }),
  ]);
  await repository.tag("a", "v1", { expect: null });
  expect(await codeOf(repository.tag("b", "v1", { expect: null }))).toBe("CONFLICT");
  expect(await codeOf(repository.tag("b", ["new", "v1"], { expect: b!.digest }))).toBe("CONFLICT");
  expect(await codeOf(repository.untag("v1", { expect: b!.digest }))).toBe("CONFLICT");
  expect(await tagsOf(repository)).toEqual({ a: a!.digest, b: b!.digest, v1: a!.digest });
  await repository.tag("b", "v1", { expect: a!.digest });
  await repository.untag("v1", { expect: b!.digest });
  expect(Object.keys(await tagsOf(repository))).toEqual(["a", "b"]);
});

test("NEW DESCRIPTOR FROM BYTES: what nobody said the type of is application/octet-stream", async () => {
  const { repository } = await fresh();
  const { mediaType, size } = await repository.session((session) => session.putBlob(bytes("untyped")));
  expect({ mediaType, size }).toEqual({ mediaType: "application/octet-stream", size: 7 });
});

describe("VERIFY READER, FETCH: what lies there is not what its name says", () => {
  const LENGTH = 300_000;
  async function stored() {
    const { directory, repository } = await fresh();
    const layer = await repository.session(async (session) => {
      const blob = await session.putBlob(new Uint8Array(LENGTH));
      await putImage(session, "image", { tag: "v1", layers: [blob] });
      return blob;
    });
    const path = join(directory, "blobs", ...layer.digest.split(":"));
    await chmod(path, 0o644);
    return { repository, layer, path };
  }

  test.each<[string, (path: string) => Promise<void>]>([
    ["other bytes", (path) => writeFile(path, Buffer.alloc(LENGTH).fill(1, LENGTH - 1))],
    ["fewer bytes", (path) => truncate(path, LENGTH - 1)],
    ["more bytes", (path) => truncate(path, LENGTH + 1)],
  ])("%s: never read to a good end, as a stream and at once", async (_, damage) => {
    const { repository, layer, path } = await stored();
    await damage(path);
    const whole = async () => {
      for await (const piece of repository.blob(layer)) expect(piece.length).toBeGreaterThan(0);
    };
    expect(await codeOf(whole())).toBe("CORRUPT");
    expect(await codeOf(repository.bytes(layer))).toBe("CORRUPT");
  });

  test("who stops early, or reads a part, has verified nothing, and is not told", async () => {
    const { repository, layer, path } = await stored();
    await writeFile(path, Buffer.alloc(LENGTH).fill(1, LENGTH - 1));
    for await (const piece of repository.blob(layer)) {
      expect(piece[0]).toBe(0);
      break;
    }
    let last = -1;
    for await (const piece of repository.blob(layer, { start: LENGTH - 1 })) last = piece[0]!;
    expect(last).toBe(1);
  });
});

test("DELETE WITH AUTO GC: a child of a deleted index goes, though something refers to it, and so does that", async () => {
  const { store, repository } = await fresh();
  await repository.session(async (session) => {
    const children = [await putImage(session, "amd64"), await putImage(session, "arm64")];
    await session.putManifest(packIndex({ manifests: children }), { tags: ["multi"] });
    const signature = await putImage(session, "signature", { subject: children[0]! });
    await putImage(session, "on-the-signature", { subject: signature });
  });
  await repository.delete("multi");
  expect(await blobsOf(store)).toEqual(new Set());
});

test("GC ERROR PATH: what cannot be removed fails the collection, and is removed by the next", async () => {
  const fs = faultyFileSystem(nodeFileSystem());
  const { store, repository } = await fresh({ fs });
  await repository.session((session) => putImage(session, "image", { tag: "v1" }));
  await repository.untag("v1");
  fs.arm({ at: ({ name, path }) => name === "rename" && path.includes("/blobs/"), code: "EACCES", always: true });
  expect(await codeOf(store.collect({ grace: 0 }))).toBe("PERMISSION");
  expect((await blobsOf(store)).size).toBe(3);
  fs.arm();
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 3 });
  expect(await blobsOf(store)).toEqual(new Set());
});

test.each(["a layout", "memory"])(
  "COPY between memory and a layout: all of it, and then what is missing, into %s",
  async (into) => {
    const memory = await openMemory();
    const layout = await fresh();
    const [from, to] = into === "memory" ? [layout.store, memory] : [memory, layout.store];
    const [source, target] = [from.repository(), to.repository()];
    const push = (name: string) =>
      source.session(async (session) => {
        const layers = [await session.putBlob(bytes("shared")), await session.putBlob(bytes(`only of ${name}`))];
        return putImage(session, name, { tag: name, layers });
      });
    const v1 = await push("v1");
    expect(await copy(source, target, "v1")).toMatchObject({
      manifests: { copied: { count: 1 } },
      blobs: { copied: { count: 3 }, skipped: { count: 0 } },
    });
    const v2 = await push("v2");
    expect(await copy(source, target, "v2")).toMatchObject({ blobs: { copied: { count: 1 }, skipped: { count: 2 } } });
    expect(await tagsOf(target)).toEqual({ v1: v1.digest, v2: v2.digest });
    expect(await target.bytes("v2")).toEqual(await source.bytes("v2"));
    expect(await errorsOf(to)).toEqual([]);
    expect(await blobsOf(to)).toEqual(await blobsOf(from));
  },
);
