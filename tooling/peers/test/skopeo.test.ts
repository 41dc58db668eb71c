import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { type Digest, faultsOf, garbageIn, nameOf, predict, readLayout } from "./support/naive.ts";
import { ours } from "./support/ours.ts";
import {
  contentOf,
  deletesAsPredicted,
  findings,
  opened,
  rootsOf,
  snapshot,
  tagsOf,
  withSecondEntry,
} from "./support/store.ts";
import { failing, requireTools, run, skopeo, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("skopeo"));

test("what we write it copies elsewhere and back, with every digest", async () => {
  const { directory, store, app } = await ours();
  const theirs = join(await temporary(), "theirs");
  await skopeo("copy", "--quiet", "--all", "--preserve-digests", `oci:${directory}:app`, `oci:${theirs}:app`);

  const copied = await readLayout(theirs);
  expect(copied.index.manifests).toHaveLength(1);
  expect([...copied.manifests.keys()].sort()).toEqual(
    [app.index, app.amd64, app.arm64].map(({ digest }) => digest).sort(),
  );
  const other = await opened(theirs);
  expect(await other.repository().resolve("app")).toMatchObject({ digest: app.index.digest, size: app.index.size });
  expect(await findings(other)).toEqual([]);
  expect(garbageIn(copied)).toEqual([]);

  const before = await readLayout(directory);
  await skopeo("copy", "--quiet", "--all", "--preserve-digests", `oci:${theirs}:app`, `oci:${directory}:back`);
  expect((await store.repository().resolve("back")).digest).toBe(app.index.digest);
  expect(await findings(store)).toEqual([]);
  const after = await readLayout(directory);
  expect(after.blobs).toEqual(before.blobs);
  const { manifests } = before.index;
  expect(after.index.manifests.slice(0, manifests.length)).toEqual(manifests);

  // Two tags on one manifest: the first takes nothing with it.
  expect(predict(after, "app").removed).toEqual([]);
  await deletesAsPredicted(store, directory, "app", predict(after, "app"));
  const last = predict(await readLayout(directory), "back");
  expect(last.removed).toContain(app.sbom.digest);
  await deletesAsPredicted(store, directory, "back", last);
  await deletesAsPredicted(other, theirs, "app", predict(copied, "app"));
  expect((await readLayout(theirs)).blobs.size).toBe(0);
});

test("one platform that it copies out of an index becomes a tag, which keeps that child", async () => {
  const { directory, store, app } = await ours();
  const copy = ["copy", "--quiet", "--override-arch", "arm64", "--override-os", "linux"];
  await skopeo(...copy, `oci:${directory}:app`, `oci:${directory}:app-arm64`);
  expect((await store.repository().resolve("app-arm64")).digest).toBe(app.arm64.digest);
  const prediction = predict(await readLayout(directory), "app");
  expect(prediction.removed).not.toContain(app.arm64.digest);
  expect(prediction.removed).toContain(app.amd64.digest);
  await deletesAsPredicted(store, directory, "app", prediction);
  await skopeo("copy", "--quiet", `oci:${directory}:app-arm64`, `dir:${join(await temporary(), "copy")}`);
});

test("when it adds a tag, it keeps our entries, their order and annotations, and drops fields it does not know", async () => {
  const { directory, store } = await ours();
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  const foreign = { ...index, annotations: { "com.example": "whole" }, "x-tool": 1 };
  foreign.manifests[0]["x-field"] = 1;
  foreign.manifests[0].annotations["com.example"] = "entry";
  await writeFile(path, JSON.stringify(foreign));
  await store.repository().tag("single", "alias");
  expect((await readLayout(directory)).index).toMatchObject({ ...foreign, manifests: expect.any(Array) });

  const before = await readLayout(directory);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${directory}:by-skopeo`);
  const after = await readLayout(directory);
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);
  expect(Object.keys(after.index).sort()).toEqual(["annotations", "manifests", "mediaType", "schemaVersion"]);
  const known = before.index.manifests.map((entry) => ({ ...entry, "x-field": undefined }));
  expect(after.index.manifests.slice(0, -1)).toEqual(known);
  expect(nameOf(after.index.manifests.at(-1)!)).toBe("by-skopeo");
  expect(await tagsOf(store)).toEqual(["alias", "app", "by-skopeo", "single"]);
  expect(await findings(store)).toEqual([]);
});

test("a tag that it moves leaves a nameless entry, which we keep until it is deleted by digest", async () => {
  const {
    directory,
    store,
    app,
    single: { digest: single },
  } = await ours();
  await skopeo("copy", "--quiet", "--all", `oci:${directory}:app`, `oci:${directory}:single`);
  const moved = await readLayout(directory);
  expect(moved.index.manifests.filter(({ digest }) => digest === single).map(nameOf)).toEqual([undefined]);
  expect((await store.repository().resolve("single")).digest).toBe(app.index.digest);
  expect(await rootsOf(store)).toContain(`own ${single}`);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);

  // Neither of the two tags that are left has anything to do with it.
  await store.repository().delete(["app", "single"]);
  const left = await readLayout(directory);
  expect(left.index.manifests.map(({ digest }) => digest)).toEqual([single]);
  await deletesAsPredicted(store, directory, single, predict(left, single));
  expect((await readLayout(directory)).blobs.size).toBe(0);
});

test("the nameless twin of an entry that has a tag holds nothing by itself", async () => {
  const {
    directory,
    store,
    single: { digest: single },
  } = await ours();
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${directory}:alias`);
  await skopeo("copy", "--quiet", "--all", `oci:${directory}:app`, `oci:${directory}:alias`);
  const before = await readLayout(directory);
  const twins = before.index.manifests.filter(({ digest }) => digest === single).map(nameOf);
  expect(twins).toEqual(["single", undefined]);
  const prediction = predict(before, "single");
  expect(prediction.removed).toContain(single);
  await deletesAsPredicted(store, directory, "single", prediction);
});

test("it writes index.json in place, and we replace it", async () => {
  const { directory, store } = await ours();
  const inode = async () => (await stat(join(directory, "index.json"))).ino;
  const first = await inode();
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${directory}:alias`);
  expect(await inode()).toBe(first);
  await store.repository().untag("alias");
  expect(await inode()).not.toBe(first);
});

test("a tag that it moves off an index leaves the index, and its parts go only with that", async () => {
  const { directory, store, app } = await ours();
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${directory}:app`);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  await expect(store.repository().planDelete(app.amd64.digest)).rejects.toMatchObject({ code: "IN_USE" });
  const prediction = predict(await readLayout(directory), app.index.digest);
  expect(prediction.removed).toContain(app.arm64.digest);
  expect(prediction.removed).toContain(app.signature.digest);
  await deletesAsPredicted(store, directory, app.index.digest, prediction);
  expect(await tagsOf(store)).toEqual(["app", "single"]);
  await skopeo("copy", "--quiet", `oci:${directory}:app`, `dir:${join(await temporary(), "copy")}`);
});

test("a tag that it sets between our plan and its execution stops that, and nothing is gone", async () => {
  const {
    directory,
    store,
    single: { digest: single },
  } = await ours();
  const plan = await store.repository().planDelete("single");
  expect(plan.items.length).toBeGreaterThan(0);
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${directory}:rescued`);
  const before = await readLayout(directory);
  await expect(store.apply(plan)).rejects.toMatchObject({
    code: "IN_USE",
    data: { digest: single, holders: ["tag rescued"] },
  });
  expect(await readLayout(directory)).toEqual(before);
  await deletesAsPredicted(store, directory, "single", predict(before, "single"));
  expect(await tagsOf(store)).toEqual(["app", "rescued"]);
  await skopeo("copy", "--quiet", `oci:${directory}:rescued`, `dir:${join(await temporary(), "copy")}`);
});

test("what it adds between our plan and its execution keeps the layers that it reuses", async () => {
  const {
    directory,
    store,
    app,
    single: { digest: single },
  } = await ours();
  await store.repository().delete("app");
  const plan = await store.repository().planDelete("single");
  const { directory: other, store: others } = await ours();
  const [base] = (await readLayout(directory)).manifests.get(single)!.layers!;
  expect(plan.items.map(({ digest }) => digest)).toContain(base!.digest);
  await skopeo("copy", "--quiet", "--all", `oci:${other}:app`, `oci:${directory}:app`);
  expect((await others.repository().resolve("app")).digest).toBe(app.index.digest);
  const receipt = await store.apply(plan);
  expect(receipt).toMatchObject({ removed: plan.items.length - 1, skipped: 1 });
  expect((await readLayout(directory)).blobs.has(base!.digest)).toBe(true);
  expect(await findings(store)).toEqual([]);
  await skopeo("copy", "--quiet", "--all", `oci:${directory}:app`, `dir:${join(await temporary(), "copy")}`);
});

test("a layout that it wrote alone is ours to delete from", async () => {
  const { directory: source } = await ours();
  const theirs = join(await temporary(), "theirs");
  await skopeo("copy", "--quiet", "--all", `oci:${source}:app`, `oci:${theirs}:app`);
  await skopeo("copy", "--quiet", `oci:${source}:single`, `oci:${theirs}:some/where:v1`);
  const store = await opened(theirs);
  expect(await tagsOf(store)).toEqual(["app", "some/where:v1"]);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  for (const tag of await tagsOf(store)) {
    await deletesAsPredicted(store, theirs, tag, predict(await readLayout(theirs), tag));
  }
  expect((await readLayout(theirs)).blobs.size).toBe(0);
  // Emptied, it is a layout still, and takes the next image.
  await skopeo("copy", "--quiet", `oci:${source}:single`, `oci:${theirs}:again`);
  expect(await tagsOf(store)).toEqual(["again"]);
  expect(await findings(store)).toEqual([]);
});

test("a docker archive that it converts into our layout is read, and goes whole", async () => {
  const { directory, store } = await ours();
  const archive = join(await temporary(), "image.tar");
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `docker-archive:${archive}:example.com/single:1`);
  await skopeo("copy", "--quiet", `docker-archive:${archive}`, `oci:${directory}:from-docker`);
  const { layers } = (await readLayout(directory)).manifests.get(
    (await store.repository().resolve("from-docker")).digest as Digest,
  )!;
  expect(layers).toHaveLength(2);
  expect(await findings(store)).toEqual([]);
  const prediction = predict(await readLayout(directory), "from-docker");
  expect(prediction.removed).toContain((await store.repository().resolve("from-docker")).digest);
  await deletesAsPredicted(store, directory, "from-docker", prediction);
});

test("its own deletion, which Debian 12's cannot do, leaves nothing that we call damage", async () => {
  const { directory, store } = await ours();
  const before = await snapshot(directory);
  const version = (await run("skopeo", ["--version"])).trim();
  if (version === "skopeo version 1.9.3") {
    expect(await failing("skopeo", ["delete", `oci:${directory}:single`])).toMatch(/not implemented/);
    expect(await snapshot(directory)).toEqual(before);
  } else {
    await skopeo("delete", `oci:${directory}:single`);
    expect(await tagsOf(store)).toEqual(["app"]);
  }
  expect(await findings(store)).toEqual([]);
  expect(faultsOf(await readLayout(directory))).toEqual([]);
});

test("of an entry whose blobs it erased before it died, we say what is missing, and can delete the rest", async () => {
  const {
    directory,
    store,
    single: { digest: single },
  } = await ours();
  // Newer versions erase blobs first, and write index.json then.
  const gone = predict(await readLayout(directory), "single").removed;
  for (const digest of gone) await rm(join(directory, "blobs", digest.replace(":", "/")));
  expect(await findings(store)).toEqual([
    expect.objectContaining({ level: "error", code: "dangling", digest: single, namedBy: "tag single" }),
  ]);
  await store.repository().delete("app");
  expect(await tagsOf(store)).toEqual(["single"]);
  await store.repository().delete("single");
  expect((await readLayout(directory)).index.manifests).toEqual([]);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  expect((await readLayout(directory)).blobs.size).toBe(0);
  expect(await findings(store)).toEqual([]);
});

test("what lies in a layout and is neither a blob nor ours stays where it is", async () => {
  const { directory, store } = await ours();
  const hex = "a".repeat(64);
  // What other tools leave behind, and what people put there.
  const strangers = [
    "README",
    "oci-put-blob1234",
    ".umoci-xyz/layer",
    `ingest/sha256:${hex}_1`,
    `blobs/md5/${"b".repeat(32)}`,
    `blobs/blake3/${hex}`,
    "blobs/sha256/.tmp",
    `blobs/sha256/${hex}.lock`,
    `blobs/sha256/${hex.toUpperCase()}`,
    `blobs/sha256/${"c".repeat(64)}/within`,
  ];
  for (const name of strangers) {
    await mkdir(join(directory, name, ".."), { recursive: true });
    await writeFile(join(directory, name), name);
  }
  await store.repository().delete(["app", "single"]);
  await store.collect({ grace: 0 });
  const left = Object.keys(await snapshot(directory)).filter((name) => !name.startsWith(".ocistore/"));
  expect(left.sort()).toEqual([...strangers, "index.json", "oci-layout"].sort());
  await skopeo("copy", "--quiet", `oci:${(await ours()).directory}:single`, `oci:${directory}:again`);
  expect(await tagsOf(store)).toEqual(["again"]);
});

test("of two entries with one name it reads the first, where we read the last", async () => {
  const { directory, store, app, single } = await ours();
  await withSecondEntry(directory, single);
  expect(await skopeo("inspect", "--raw", `oci:${directory}:app`)).toBe(await contentOf(directory, app.index.digest));
  expect((await store.repository().resolve("app")).digest).toBe(single.digest);
});
