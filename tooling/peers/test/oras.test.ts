import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openArchive, writeArchive } from "@ocistore/backend-fs";
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
import { failing, oras, requireTools, run, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("oras"));

/** A file of this name and content, and the directory that it is in, where oras has to be started. */
async function file(content: string): Promise<string> {
  const cwd = await temporary();
  await writeFile(join(cwd, "note.txt"), content);
  return cwd;
}

interface Discovered {
  readonly digest: string;
  readonly referrers: readonly Discovered[];
}

const discover = async (reference: string): Promise<Discovered> =>
  JSON.parse(await oras("discover", "--oci-layout", reference, "--format", "json"));

const digestsIn = async (directory: string): Promise<Digest[]> =>
  [...(await readLayout(directory)).blobs.keys()].sort();

test("it lists, resolves and reads what we write, byte for byte", async () => {
  const { directory, store, app } = await ours();
  await putNote(store, "a note", { tags: ["note"] });
  const tags = await oras("repo", "tags", "--oci-layout", directory);
  expect(tags.trim().split("\n")).toEqual(["app", "note", "single"]);
  expect((await oras("resolve", "--oci-layout", `${directory}:app`)).trim()).toBe(app.index.digest);
  // Children that index.json does not list, too.
  for (const { digest } of Object.values(app)) {
    const reference = `${directory}@${digest}`;
    expect(await oras("manifest", "fetch", "--oci-layout", reference)).toBe(await contentOf(directory, digest));
  }
  const target = await temporary();
  await oras("pull", "--oci-layout", `${directory}:note`, "--output", target);
  expect(await readFile(join(target, "note.txt"), "utf8")).toBe("a note");
});

test("what it copies with referrers is listed whole, children too, and goes with its tag", async () => {
  const { directory, app } = await ours();
  const theirs = join(await temporary(), "theirs");
  await oras("cp", "-r", "--from-oci-layout", `${directory}:app`, "--to-oci-layout", `${theirs}:app`);
  const store = await opened(theirs);
  const { index } = await isSound(store, theirs);
  const everyManifest = Object.values(app).map(({ digest }) => digest);
  expect(index.manifests.map(({ digest }) => digest).sort()).toEqual(everyManifest.sort());
  expect(await rootsOf(store)).toEqual(["tag app"]);
  expect(await referrersOf(store, "app")).toEqual([app.sbom.digest]);
  expect(await referrersOf(store, app.amd64.digest)).toEqual([app.signature.digest]);
  // The question that ocistore began with.
  const prediction = predict(await readLayout(theirs), "app");
  expect(prediction.removed).toEqual(await digestsIn(theirs));
  await deletesAsPredicted(store, theirs, "app", prediction);
  expect(await digestsIn(theirs)).toEqual([]);
  // Emptied, it is a layout still.
  await oras("cp", "--from-oci-layout", `${directory}:single`, "--to-oci-layout", `${theirs}:again`);
  expect(await tagsOf(store)).toEqual(["again"]);
});

test("what it pushes and attaches we list, and delete without leaving anything", async () => {
  const theirs = join(await temporary(), "theirs");
  const cwd = await file("theirs\n");
  await run("oras", ["push", "--oci-layout", `${theirs}:v1`, "note.txt", "--artifact-type", NOTE], { cwd });
  await run("oras", ["push", "--oci-layout", theirs, "note.txt", "--artifact-type", "text/other"], { cwd });
  await run("oras", ["attach", "--oci-layout", `${theirs}:v1`, "note.txt", "--artifact-type", NOTE], { cwd });
  const store = await opened(theirs);
  await isSound(store, theirs);
  expect(await tagsOf(store)).toEqual(["v1"]);
  expect((await rootsOf(store)).map((root) => root.split(" ")[0])).toEqual(["own", "tag"]);
  const [layer] = (await store.repository().manifest("v1")).layers;
  expect(new TextDecoder().decode(await store.repository().bytes(layer!))).toBe("theirs\n");
  const { mode } = await stat(join(theirs, "blobs", layer!.digest.replace(":", "/")));
  expect((mode & 0o777).toString(8)).toBe("444");
  await deletesAll(store, theirs);
});

test("what it attaches to our image is a referrer for us", async () => {
  const { directory, store, app, single } = await ours();
  const cwd = await file("attached\n");
  for (const subject of ["app", "single"])
    await run("oras", ["attach", "--oci-layout", `${directory}:${subject}`, "note.txt", "--artifact-type", NOTE], {
      cwd,
    });
  const layout = await isSound(store, directory);
  expect(await referrersOf(store, "app")).toHaveLength(2);
  const [attached] = await referrersOf(store, single.digest);
  expect((await store.repository().manifest(attached!)).artifactType).toBe(NOTE);
  expect(await tagsOf(store)).toEqual(["app", "single"]);
  const prediction = predict(layout, "single");
  expect(prediction.removed).toContain(attached);
  await deletesAsPredicted(store, directory, "single", prediction);
  expect(await referrersOf(store, app.index.digest)).toHaveLength(2);
  await deletesAll(store, directory);
});

test("what we attach it discovers, at every level", async () => {
  const { directory, store, app, single } = await ours();
  const note = await putNote(store, "on the image", { subject: single });
  const onNote = await putNote(store, "on the note", { subject: note });
  expect((await discover(`${directory}:single`)).referrers).toMatchObject([
    { digest: note.digest, referrers: [{ digest: onNote.digest, referrers: [] }] },
  ]);
  expect((await discover(`${directory}:app`)).referrers).toMatchObject([{ digest: app.sbom.digest, referrers: [] }]);
  for (const { digest } of [onNote, note])
    await deletesAsPredicted(store, directory, digest, predict(await readLayout(directory), digest));
  expect((await discover(`${directory}:single`)).referrers).toEqual([]);
});

test("a child that only its index names it reads by digest, but finds its referrers by platform alone", async () => {
  const { directory, app } = await ours();
  const child = `${directory}@${app.amd64.digest}`;
  expect(await oras("manifest", "fetch", "--oci-layout", child)).toContain('"layers"');
  expect(await failing("oras", ["discover", "--oci-layout", child])).toMatch(/is not a manifest/);
  const byPlatform = ["discover", "--oci-layout", `${directory}:app`, "--platform", "linux/amd64", "--format", "json"];
  expect(JSON.parse(await oras(...byPlatform))).toMatchObject({ referrers: [{ digest: app.signature.digest }] });
});

test("what it attaches to such a child by digest calls that a blob, and is a referrer for us all the same", async () => {
  const { directory, store, app } = await ours();
  const child = `${directory}@${app.amd64.digest}`;
  await oras("attach", "--oci-layout", child, "--artifact-type", NOTE, "--annotation", "to=child");
  await isSound(store, directory);
  const referrers = await referrersOf(store, app.amd64.digest);
  const [attached] = referrers.filter((digest) => digest !== app.signature.digest);
  const { subject } = await store.repository().manifest(attached!);
  expect(subject).toMatchObject({ digest: app.amd64.digest, mediaType: "application/octet-stream" });
  expect(await rootsOf(store)).toEqual(["tag app", "tag single"]);
  const prediction = predict(await readLayout(directory), "app");
  expect(prediction.removed).toContain(attached);
  await deletesAsPredicted(store, directory, "app", prediction);
});

test("after our deletion it does not find what is gone, and reads and copies the rest", async () => {
  const { directory, store, app, single } = await ours();
  await deletesAsPredicted(store, directory, "app", predict(await readLayout(directory), "app"));
  expect(await failing("oras", ["resolve", "--oci-layout", `${directory}:app`])).toMatch(/not found/);
  expect(await failing("oras", ["manifest", "fetch", "--oci-layout", `${directory}@${app.sbom.digest}`])).toMatch(
    /not found/,
  );
  expect((await oras("repo", "tags", "--oci-layout", directory)).trim()).toBe("single");
  const copy = join(await temporary(), "copy");
  await oras("cp", "-r", "--from-oci-layout", `${directory}:single`, "--to-oci-layout", `${copy}:single`);
  expect(await digestsIn(copy)).toEqual(await digestsIn(directory));
  expect(await digestsIn(copy)).toContain(single.digest);
});

test("its deletion takes referrers and unshared children, and leaves a child that has a referrer of its own", async () => {
  const { directory, store, app } = await ours();
  const before = await readLayout(directory);
  await oras("manifest", "delete", "--force", "--oci-layout", `${directory}:app`);
  const after = await readLayout(directory);
  const gone = [...before.blobs.keys()].filter((digest) => !after.blobs.has(digest));
  const arm64 = before.manifests.get(app.arm64.digest as Digest)!;
  const sbom = before.manifests.get(app.sbom.digest as Digest)!;
  const expected = [app.index, app.sbom, app.arm64, sbom.layers![0]!, arm64.config!, arm64.layers![1]!];
  expect(gone.sort()).toEqual(expected.map(({ digest }) => digest).sort());
  // What is left of it is whole, and nothing is garbage: the signature is listed, and nothing else explains that.
  await isSound(store, directory);
  expect(await rootsOf(store)).toEqual([`own ${app.signature.digest}`, "tag single"]);
  await expect(store.repository().planDelete(app.amd64.digest)).rejects.toMatchObject({ code: "IN_USE" });
  await store.repository().delete(app.amd64.digest, { referrers: true });
  await isSound(store, directory);
  await deletesAll(store, directory);
});

test("its deletion of one image leaves what others share, and no garbage", async () => {
  const { directory, store } = await ours();
  const { removed } = predict(await readLayout(directory), "single");
  const before = await digestsIn(directory);
  await oras("manifest", "delete", "--force", "--oci-layout", `${directory}:single`);
  await isSound(store, directory);
  expect(await digestsIn(directory)).toEqual(before.filter((digest) => !removed.includes(digest)));
  expect(await tagsOf(store)).toEqual(["app"]);
});

test("a blob that it deletes under a manifest is reported, and stops no deletion", async () => {
  const { directory, store } = await ours();
  const note = await putNote(store, "will be missing", { tags: ["note"] });
  const [layer] = (await store.repository().manifest("note")).layers;
  await oras("blob", "delete", "--force", "--oci-layout", `${directory}@${layer!.digest}`);
  expect(await findings(store)).toEqual([
    expect.objectContaining({ code: "missing", digest: layer!.digest, namedBy: note.digest }),
  ]);
  await store.repository().delete("note");
  await isSound(store, directory);
});

test("a tag that it moves leaves a nameless entry, which we keep until it is deleted by digest", async () => {
  const { directory, store, app, single } = await ours();
  await oras("tag", "--oci-layout", `${directory}:app`, "single");
  const layout = await isSound(store, directory);
  expect(layout.index.manifests.filter(({ digest }) => digest === single.digest).map(nameOf)).toEqual([undefined]);
  expect((await store.repository().resolve("single")).digest).toBe(app.index.digest);
  expect(await rootsOf(store)).toEqual([`own ${single.digest}`, "tag app", "tag single"]);
  await deletesAll(store, directory);
});

test("it rewrites index.json in place and in any order, keeps annotations, and drops fields it does not know", async () => {
  const { directory, store } = await ours();
  const before = await withForeignFields(directory);
  const roots = await rootsOf(store);
  expect(roots).toContain(`own ${before.index.manifests[1]!.digest}`);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  const { ino } = await stat(join(directory, "index.json"));
  await oras("tag", "--oci-layout", `${directory}:single`, "by-oras");
  expect((await stat(join(directory, "index.json"))).ino).toBe(ino);
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);

  const { index } = await readLayout(directory);
  expect(Object.keys(index).sort()).toEqual(["annotations", "manifests", "mediaType", "schemaVersion"]);
  expect(index.annotations).toEqual({ note: "whole" });
  const known = before.index.manifests.map((entry) => {
    const { "x-at": _, ...rest } = entry as typeof entry & { "x-at"?: number };
    return rest;
  });
  const sorted = (entries: readonly unknown[]) => entries.map((entry) => JSON.stringify(stable(entry))).sort();
  const theirs = index.manifests.filter((entry) => nameOf(entry) !== "by-oras");
  expect(sorted(theirs)).toEqual(sorted(known));
  expect(JSON.stringify(theirs)).toContain('"dev.ocistore.own":"true"');
  // The record of what is a root of its own has come through.
  expect(await rootsOf(store)).toEqual([...roots, "tag by-oras"].sort());
  await isSound(store, directory);
});

/** With keys in the order of the alphabet. */
function stable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, stable(inner)]),
  );
}

test("it collapses entries of one name to the last, as we do, and leaves the others nameless", async () => {
  const { directory, store, app, single } = await ours();
  await withSecondEntry(directory, single);
  expect((await oras("resolve", "--oci-layout", `${directory}:app`)).trim()).toBe(single.digest);
  expect((await store.repository().resolve("app")).digest).toBe(single.digest);
  const roots = await rootsOf(store);
  expect(roots).toEqual([`own ${app.index.digest}`, "tag app", "tag single"]);
  await oras("tag", "--oci-layout", `${directory}:single`, "other");
  const after = await readLayout(directory);
  expect(after.index.manifests.filter(({ digest }) => digest === app.index.digest).map(nameOf)).toEqual([undefined]);
  expect(await rootsOf(store)).toEqual([`own ${app.index.digest}`, "tag app", "tag other", "tag single"]);
});

test("its directory for what is being written stays, empty, and is neither content nor in the way", async () => {
  const { directory, store } = await ours();
  await mkdir(join(directory, "ingest"));
  await writeFile(join(directory, "ingest", "another-process"), "half a blob");
  const cwd = await file("pushed\n");
  await run("oras", ["push", "--oci-layout", `${directory}:pushed`, "note.txt", "--artifact-type", NOTE], { cwd });
  await store.repository().delete(["app", "single", "pushed"]);
  await store.collect({ grace: 0 });
  expect(await readFile(join(directory, "ingest", "another-process"), "utf8")).toBe("half a blob");
  await rm(join(directory, "ingest"), { recursive: true });
  await run("oras", ["push", "--oci-layout", `${directory}:pushed`, "note.txt", "--artifact-type", NOTE], { cwd });
  expect(Object.keys(await snapshot(directory)).filter((name) => name.startsWith("ingest"))).toEqual([]);
  expect((await stat(join(directory, "ingest"))).isDirectory()).toBe(true);
  await isSound(store, directory);
});

test("it reads an archive that we export, and we read what it copied into a layout packed as one", async () => {
  const { directory, store, app } = await ours();
  const archive = join(await temporary(), "ours.tar");
  await writeArchive(store, archive);
  expect((await oras("resolve", "--oci-layout", `${archive}:app`)).trim()).toBe(app.index.digest);
  expect(await oras("manifest", "fetch", "--oci-layout", `${archive}:app`)).toBe(
    await contentOf(directory, app.index.digest),
  );
  expect((await discover(`${archive}:app`)).referrers).toMatchObject([{ digest: app.sbom.digest }]);
  const theirs = join(await temporary(), "theirs");
  await oras("cp", "-r", "--from-oci-layout", `${archive}:app`, "--to-oci-layout", `${theirs}:app`);
  const packed = join(await temporary(), "theirs.tar");
  await run("tar", ["-c", "-f", packed, "-C", theirs, "."]);
  const opening = await openArchive(packed);
  onTestFinished(() => opening.close());
  expect(await tagsOf(opening)).toEqual(["app"]);
  expect(await findings(opening)).toEqual([]);
  expect(await referrersOf(opening, "app")).toEqual([app.sbom.digest]);
});
