import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, digestOf, packIndex } from "@ocistore/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { openArchive } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { putImage, tagsOf } from "../support/content.ts";
import { ForeignLayout, IMAGE, temporaryDirectory } from "../support/foreign-layout.ts";
import { codeOf, fresh, opened } from "../support/fresh-layout.ts";
import { archiveOf, named } from "../support/tar-builder.ts";

// Smaller things that the tests of oras-go fix, and where ours differs. docs/parity.md has them all.

const NAME = "org.opencontainers.image.ref.name";

test("opening reads no index.json, however it looks; the first use does", async () => {
  const layout = await ForeignLayout.make();
  await writeFile(join(layout.directory, "index.json"), "garbage");
  const { repository } = await opened(layout.directory);
  expect(await codeOf(repository.resolve("v1"))).toBe("LAYOUT_INVALID");
});

test("a blob is read and pinned by its digest, but is no manifest: not resolved, and not tagged", async () => {
  const { repository } = await fresh();
  const layer = await repository.session(async (session) => {
    const blob = await session.putBlob(bytes("layer"));
    await putImage(session, "image", { tag: "v1", layers: [blob] });
    return blob;
  });
  expect(await repository.bytes(layer.digest)).toEqual(bytes("layer"));
  await repository.pin(layer.digest, "kept");
  expect(await repository.find(layer.digest)).toBeUndefined();
  expect(await codeOf(repository.resolve(layer.digest))).toBe("NOT_FOUND");
  expect(await codeOf(repository.tag(layer.digest, "layer"))).toBe("NOT_FOUND");
  expect(Object.keys(await tagsOf(repository))).toEqual(["v1"]);
});

test("FETCH BYTES: more than the limit is refused, 4 MiB unless another is given; a stream has none", async () => {
  const { repository } = await fresh();
  const size = 4 * 1024 * 1024 + 1;
  const large = await repository.session(async (session) => {
    const blob = await session.putBlob(new Uint8Array(size));
    await putImage(session, "image", { tag: "v1", layers: [blob] });
    return blob.digest;
  });
  expect(await codeOf(repository.bytes(large))).toBe("SIZE_MISMATCH");
  expect(await codeOf(repository.bytes("v1", { limit: 10 }))).toBe("SIZE_MISMATCH");
  expect((await repository.bytes(large, { limit: size })).length).toBe(size);
  let read = 0;
  for await (const piece of repository.blob(large)) read += piece.length;
  expect(read).toBe(size);
});

test("CHILDREN BEFORE OR AFTER THEIR PARENTS: after them only where the parent is declared sparse", async () => {
  const { store, repository } = await fresh();
  const child = await (await fresh()).repository.session((session) => putImage(session, "child"));
  const index = packIndex({ manifests: [child] });
  const put = (o: object) => repository.session((session) => session.putManifest(index, { tags: ["multi"], ...o }));
  expect(await codeOf(put({}))).toBe("MISSING_CONTENT");
  const parent = await put({ sparse: true });
  expect(await repository.predecessors(child)).toMatchObject([{ digest: parent.digest }]);
  await repository.session((session) => putImage(session, "child"));
  expect(await repository.predecessors(child)).toMatchObject([{ digest: parent.digest }]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  expect(await repository.find(child.digest)).toBeDefined();
});

describe("entries of index.json that another tool wrote", () => {
  const annotated = (name: string, note: string) => ({ annotations: { [NAME]: name, note } });

  test("EXISTING STORE RETAG: the entry that gets the name keeps its annotations, and so does the one that has another", async () => {
    const layout = await ForeignLayout.make();
    const [a, b] = [await layout.image("a"), await layout.image("b")];
    layout.entries.push({ ...a, ...annotated("v1", "of a") }, { ...a, ...annotated("also", "of a too") });
    layout.entries.push({ ...b, annotations: { note: "of b" } });
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    await repository.tag(b as Descriptor, "v1");
    const after = (await layout.readIndex()).manifests.map(({ digest, annotations }) => ({ digest, annotations }));
    expect(after).toEqual([
      { digest: a.digest, ...annotated("also", "of a too") },
      { digest: b.digest, annotations: { note: "of b", [NAME]: "v1" } },
    ]);
  });

  test("an entry whose only name goes is gone with its annotations, for without a name it would be a root", async () => {
    const layout = await ForeignLayout.make();
    const [a, b] = [await layout.image("a"), await layout.image("b")];
    layout.entries.push({ ...a, ...annotated("v1", "of a") }, { ...b, ...annotated("v2", "of b") });
    await layout.writeIndex();
    const { repository } = await opened(layout.directory);
    await repository.untag("v1");
    expect(await layout.listed()).toEqual(["v2"]);
  });
});

describe("READ ONLY, from a tar", () => {
  test("tags, digests, predecessors with untagged referrers, and long digests are as in the directory", async () => {
    const { directory, store, repository } = await fresh();
    const image = await repository.session(async (session) => {
      const pushed = await putImage(session, "image", { tag: "v1" });
      await putImage(session, "signature", { subject: pushed });
      return pushed;
    });
    const content = bytes("under a longer name");
    const long = digestOf(content, "sha512");
    await mkdir(join(directory, "blobs/sha512"), { recursive: true });
    await writeFile(join(directory, "blobs", ...long.split(":")), content);
    const file = join(await temporaryDirectory(), "x.tar");
    execFileSync("tar", ["-C", directory, "--exclude=./.ocistore", "-cf", file, "."]);
    const archive = await openArchive(file);
    onTestFinished(() => archive.close());
    const inside = archive.repository();
    expect(await tagsOf(inside)).toEqual(await tagsOf(repository));
    for (const each of ["v1", image.digest])
      expect(await inside.resolve(each)).toEqual(await repository.resolve(image.digest));
    expect(await inside.predecessors("v1")).toEqual(await repository.predecessors("v1"));
    expect(await inside.predecessors("v1")).toHaveLength(1);
    expect(await inside.bytes(long)).toEqual(content);
    await store.close();
  });

  test.each(["index.json", "oci-layout"])("BAD INDEX, BAD LAYOUT: a %s of garbage", async (name) => {
    const use = async () => {
      const archive = await openArchive(await archiveOf(named(name, { content: "garbage" })));
      onTestFinished(() => archive.close());
      return archive.repository().resolve("v1");
    };
    expect(await codeOf(use())).toBe("LAYOUT_INVALID");
  });
});

test("LIMIT STORAGE: a size that is said is the most that is taken; a manifest has at most 4 MiB", async () => {
  const { repository } = await fresh();
  let sent = 0;
  const endless = async function* () {
    for (;;) {
      sent += 1000;
      yield new Uint8Array(1000);
    }
  };
  const put = repository.session((session) => session.putBlob({ stream: endless(), size: 5000 }));
  expect(await codeOf(put)).toBe("SIZE_MISMATCH");
  expect(sent).toBeLessThan(10_000);
  const manifest = { bytes: bytes(" ".repeat(4 * 1024 * 1024 + 1)), mediaType: IMAGE };
  expect(await codeOf(repository.session((session) => session.putManifest(manifest)))).toBe("MANIFEST_TOO_LARGE");
});

test("VERIFY READER: content of no bytes is content; a wrong size of it is refused, and so is a negative one", async () => {
  const { repository } = await fresh();
  const put = (source: object) =>
    repository.session(async (session) => {
      const blob = await session.putBlob({ stream: bytes(""), ...source });
      await putImage(session, "image", { tag: "v1", layers: [blob] });
      return blob;
    });
  const empty = await put({ size: 0, digest: digestOf(bytes("")) });
  expect(await repository.bytes(empty.digest)).toEqual(bytes(""));
  expect(await codeOf(put({ size: 1 }))).toBe("SIZE_MISMATCH");
  expect(await codeOf(put({ size: -1 }))).toBe("SIZE_MISMATCH");
});

test("SUCCESSORS: of a blob and of what is not stored there are none to tell, which is not the same as none", async () => {
  const { repository } = await fresh();
  const [layer, image] = await repository.session(async (session) => {
    const blob = await session.putBlob(bytes("layer"));
    return [blob, await putImage(session, "image", { tag: "v1", layers: [blob] })];
  });
  expect((await repository.successors(image!)).map(({ kind }) => kind)).toEqual(["config", "layer"]);
  expect(await codeOf(repository.successors(digestOf(bytes("absent"))))).toBe("NOT_FOUND");
  expect(await codeOf(repository.successors(layer!.digest))).toBe("NOT_FOUND");
});
