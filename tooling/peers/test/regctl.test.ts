import { cp, stat } from "node:fs/promises";
import { join } from "node:path";
import { openArchive, writeArchive } from "@ocistore/backend-fs";
import { packIndex, packManifest } from "@ocistore/core";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type Digest, nameOf, predict, readLayout } from "./support/naive.ts";
import { NOTE, ours, putNote } from "./support/ours.ts";
import {
  contentOf,
  deletesAll,
  deletesAsPredicted,
  findings,
  isSound,
  opened,
  referrersOf,
  rootsOf,
  snapshot,
  tagsOf,
  withForeignFields,
  withSecondEntry,
} from "./support/store.ts";
import { failing, regctl, requireTools, run, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("regctl"));

const digestsIn = async (directory: string): Promise<Digest[]> =>
  [...(await readLayout(directory)).blobs.keys()].sort();

/** Puts an artifact of this text, which it reads from its standard input. */
async function put(text: string, ...args: readonly string[]): Promise<void> {
  await run("regctl", ["artifact", "put", "--artifact-type", NOTE, ...args], { input: text });
}

/** What it lists as referring to it. */
async function listed(reference: string): Promise<string[]> {
  const body = JSON.parse(await regctl("artifact", "list", reference, "--format", "body"));
  return (body.manifests ?? []).map(({ digest }: { digest: string }) => digest).sort();
}

const fallbackTag = (digest: string): string => digest.replace(":", "-");

test("it lists, resolves and reads what we write, byte for byte", async () => {
  const { directory, store, app } = await ours();
  await putNote(store, "a note", { tags: ["note"] });
  expect((await regctl("tag", "ls", `ocidir://${directory}`)).trim().split("\n")).toEqual(["app", "note", "single"]);
  expect((await regctl("manifest", "head", `ocidir://${directory}:app`)).trim()).toBe(app.index.digest);
  for (const { digest } of Object.values(app)) {
    const reference = `ocidir://${directory}@${digest}`;
    expect(await regctl("manifest", "get", reference, "--format", "raw-body")).toBe(await contentOf(directory, digest));
  }
  expect(await regctl("artifact", "get", `ocidir://${directory}:note`)).toBe("a note");
});

test("what it copies lists what has a tag and nothing else, and goes with that tag", async () => {
  const { directory, app } = await ours();
  const theirs = join(await temporary(), "theirs");
  await regctl("image", "copy", `ocidir://${directory}:app`, `ocidir://${theirs}:app`);
  const store = await opened(theirs);
  const { index } = await isSound(store, theirs);
  expect(index.manifests.map(nameOf)).toEqual(["app"]);
  expect((await store.repository().resolve("app")).digest).toBe(app.index.digest);
  expect(await rootsOf(store)).toEqual(["tag app"]);
  await deletesAll(store, theirs);
  await regctl("image", "copy", `ocidir://${directory}:single`, `ocidir://${theirs}:again`);
  expect(await tagsOf(store)).toEqual(["again"]);
});

test("what it attaches to our image is under a fallback tag, is a referrer for us, and goes with the image", async () => {
  const { directory, store, app, single } = await ours();
  await put("attached\n", "--subject", `ocidir://${directory}:single`);
  await put("attached too\n", "--subject", `ocidir://${directory}:single`);
  const layout = await isSound(store, directory);
  expect(await tagsOf(store)).toEqual(["app", fallbackTag(single.digest), "single"]);
  const attached = await referrersOf(store, "single");
  expect(attached).toHaveLength(2);
  expect(attached).toEqual(await listed(`ocidir://${directory}:single`));
  // It keeps them in the index of the fallback tag alone.
  for (const digest of attached) expect(layout.index.manifests.map((entry) => entry.digest)).not.toContain(digest);
  // The fallback tag is no root while the image is there.
  expect(await rootsOf(store)).toEqual(["tag app", "tag single"]);
  await expect(store.repository().planDelete(attached[0]!)).rejects.toMatchObject({ code: "IN_USE" });
  const prediction = predict(layout, "single");
  expect(prediction.removed).toEqual(expect.arrayContaining(attached));
  await deletesAsPredicted(store, directory, "single", prediction);
  expect(await tagsOf(store)).toEqual(["app"]);
  expect(await referrersOf(store, "app")).toEqual([app.sbom.digest]);
  await deletesAll(store, directory);
});

test("what we attach it finds once there is an index of it under the fallback tag, and not before", async () => {
  const { directory, store, app } = await ours();
  expect(await listed(`ocidir://${directory}:app`)).toEqual([]);
  const manifests = [await store.repository().resolve(app.sbom.digest)];
  await store
    .repository()
    .session((session) => session.putManifest(packIndex({ manifests }), { tags: [fallbackTag(app.index.digest)] }));
  expect(await listed(`ocidir://${directory}:app`)).toEqual([app.sbom.digest]);
  expect(await referrersOf(store, "app")).toEqual([app.sbom.digest]);
  const theirs = join(await temporary(), "theirs");
  await regctl("image", "copy", "--referrers", `ocidir://${directory}:app`, `ocidir://${theirs}:app`);
  const copied = await opened(theirs);
  expect(await referrersOf(copied, "app")).toEqual([app.sbom.digest]);
  await isSound(copied, theirs);
  await deletesAll(copied, theirs);
});

test("after our deletion it does not find what is gone, and reads and copies the rest", async () => {
  const { directory, store, single } = await ours();
  await put("attached\n", "--subject", `ocidir://${directory}:single`);
  await deletesAsPredicted(store, directory, "app", predict(await readLayout(directory), "app"));
  expect(await failing("regctl", ["manifest", "head", `ocidir://${directory}:app`])).toMatch(/could not find entry/);
  const copy = join(await temporary(), "copy");
  await regctl("image", "copy", "--referrers", `ocidir://${directory}:single`, `ocidir://${copy}:single`);
  expect(await digestsIn(copy)).toEqual(await digestsIn(directory));
  expect(await digestsIn(copy)).toContain(single.digest);
});

test("when it takes a tag it collects at once, like us; referrers that it does not know stay, and are roots", async () => {
  const { directory, store, app } = await ours();
  const mine = join(await temporary(), "mine");
  await cp(directory, mine, { recursive: true });
  await regctl("tag", "rm", `ocidir://${directory}:single`);
  await (await opened(mine)).repository().delete("single");
  expect(await digestsIn(directory)).toEqual(await digestsIn(mine));
  await isSound(store, directory);

  await regctl("tag", "rm", `ocidir://${directory}:app`);
  const left = await isSound(store, directory);
  expect([...left.manifests.keys()].sort()).toEqual([app.sbom.digest, app.signature.digest].sort());
  expect(await rootsOf(store)).toEqual([`own ${app.sbom.digest}`, `own ${app.signature.digest}`].sort());
  await deletesAll(store, directory);
});

test("an image that it takes leaves its fallback tag behind, which is a tag like any other from then on", async () => {
  const { directory, store, single } = await ours();
  await put("attached\n", "--subject", `ocidir://${directory}:single`);
  const attached = await referrersOf(store, "single");
  await regctl("tag", "rm", `ocidir://${directory}:single`);
  const layout = await isSound(store, directory);
  expect(layout.blobs.has(single.digest)).toBe(false);
  expect(await rootsOf(store)).toEqual(["tag app", `tag ${fallbackTag(single.digest)}`]);
  const prediction = predict(layout, fallbackTag(single.digest));
  expect(prediction.removed).toEqual(expect.arrayContaining(attached));
  await deletesAsPredicted(store, directory, fallbackTag(single.digest), prediction);
  await deletesAll(store, directory);
});

test("its deletion by digest takes every tag of it, and children, but none of the referrers that we list", async () => {
  const { directory, store, app } = await ours();
  await store.repository().tag("app", "alias");
  await regctl("manifest", "delete", "--referrers", `ocidir://${directory}@${app.index.digest}`);
  const left = await isSound(store, directory);
  expect(await tagsOf(store)).toEqual(["single"]);
  expect(left.blobs.has(app.amd64.digest as Digest)).toBe(false);
  expect(left.blobs.has(app.sbom.digest as Digest)).toBe(true);
  await deletesAll(store, directory);
});

test("its collection takes what an open session of ours has stored, and the session is told", async () => {
  const { directory, store } = await ours();
  const session = store.repository().openSession("pushing");
  const layer = await session.putBlob({ stream: new TextEncoder().encode("on its way"), mediaType: "text/plain" });
  await regctl("image", "copy", `ocidir://${directory}:single`, `ocidir://${directory}:alias`);
  expect(await digestsIn(directory)).not.toContain(layer.digest);
  const packed = packManifest({ artifactType: NOTE, layers: [layer] });
  await expect(session.putManifest(packed, { tags: ["v1"] })).rejects.toMatchObject({ code: "MISSING_CONTENT" });
  await session.end();
  await isSound(store, directory, [packed.descriptor.digest as Digest]);
  expect(await tagsOf(store)).toEqual(["alias", "app", "single"]);
});

test("what we have condemned it leaves alone, and all of it comes back", async () => {
  const { directory, store } = await ours();
  const before = await digestsIn(directory);
  const { run: id } = await store.repository().delete("app", { window: 3_600_000 });
  await regctl("image", "copy", `ocidir://${directory}:single`, `ocidir://${directory}:alias`);
  await store.undo(id);
  expect(await digestsIn(directory)).toEqual(before);
  expect(await tagsOf(store)).toEqual(["alias", "app", "single"]);
  await isSound(store, directory);
});

test("it replaces index.json, private, keeps entries and annotations, and drops fields it does not know", async () => {
  const { directory, store } = await ours();
  const before = await withForeignFields(directory);
  const roots = await rootsOf(store);
  expect(roots).toContain(`own ${before.index.manifests[1]!.digest}`);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  const { ino } = await stat(join(directory, "index.json"));
  await regctl("image", "copy", `ocidir://${directory}:single`, `ocidir://${directory}:by-regctl`);
  const after = await stat(join(directory, "index.json"));
  expect(after.ino).not.toBe(ino);
  expect((after.mode & 0o777).toString(8)).toBe("600");
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);
  const { index } = await readLayout(directory);
  expect(Object.keys(index).sort()).toEqual(["annotations", "manifests", "mediaType", "schemaVersion"]);
  expect(index.annotations).toEqual({ note: "whole" });
  expect(index.manifests.slice(0, -1)).toEqual(
    before.index.manifests.map((entry) => ({ ...entry, "x-at": undefined })),
  );
  expect(index.manifests.at(-1)).toMatchObject({
    annotations: { "org.opencontainers.image.created": expect.any(String) },
  });
  expect(JSON.stringify(index)).toContain('"dev.ocistore.own":"true"');
  expect(await rootsOf(store)).toEqual([...roots, "tag by-regctl"].sort());
  await store.repository().untag("by-regctl");
  expect(((await stat(join(directory, "index.json"))).mode & 0o044).toString(8)).toBe("44");
});

test("a tag that it moves is one entry, and what was under it is collected at once", async () => {
  const { directory, store, app, single } = await ours();
  await regctl("image", "copy", `ocidir://${directory}:app`, `ocidir://${directory}:single`);
  const layout = await isSound(store, directory);
  expect(layout.blobs.has(single.digest)).toBe(false);
  expect((await store.repository().resolve("single")).digest).toBe(app.index.digest);
  expect(layout.index.manifests.map(nameOf).filter((name) => name !== undefined)).toEqual(["app", "single"]);
});

test("it imports an archive that we export, and we read what it exports", async () => {
  const { directory, store, app } = await ours();
  const archive = join(await temporary(), "ours.tar");
  await writeArchive(store, archive);
  const theirs = join(await temporary(), "theirs");
  await regctl("image", "import", "--name", "app", `ocidir://${theirs}:app`, archive);
  const imported = await opened(theirs);
  expect((await imported.repository().resolve("app")).digest).toBe(app.index.digest);
  expect(await findings(imported)).toEqual([]);
  const exported = join(await temporary(), "theirs.tar");
  await regctl("image", "export", `ocidir://${directory}:app`, exported);
  const opening = await openArchive(exported);
  onTestFinished(() => opening.close());
  expect(await tagsOf(opening)).toEqual(["app"]);
  expect((await opening.repository().resolve("app")).digest).toBe(app.index.digest);
  expect(await findings(opening)).toEqual([]);
});

test("of two entries with one name it reads the first, where we read the last", async () => {
  const { directory, store, app, single } = await ours();
  await withSecondEntry(directory, single);
  expect((await regctl("manifest", "head", `ocidir://${directory}:app`)).trim()).toBe(app.index.digest);
  expect((await store.repository().resolve("app")).digest).toBe(single.digest);
});
