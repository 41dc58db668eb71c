import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, packManifest } from "@ocistore/core";
import { beforeEach, expect, test } from "vitest";
import { type Digest, faultsOf, garbageIn, nameOf, predict, readLayout } from "./support/naive.ts";
import { ours } from "./support/ours.ts";
import {
  deletesAsPredicted,
  findings,
  opened,
  removedBy,
  rootsOf,
  snapshot,
  tagsOf,
  withForeignFields,
  withSecondEntry,
} from "./support/store.ts";
import { failing, requireTools, temporary, umoci } from "./support/tools.ts";

beforeEach(() => requireTools("umoci"));

const digestsIn = async (directory: string): Promise<Digest[]> =>
  [...(await readLayout(directory)).blobs.keys()].sort();

test("it lists, describes and unpacks what we write", async () => {
  const { directory, single } = await ours();
  expect((await umoci("ls", "--layout", directory)).trim().split("\n")).toEqual(["app", "single"]);
  const { history } = JSON.parse(await umoci("stat", "--json", "--image", `${directory}:single`));
  const { layers } = (await readLayout(directory)).manifests.get(single.digest)!;
  expect(history.map(({ layer }: { layer: unknown }) => layer)).toEqual(layers);

  const bundle = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${directory}:single`, bundle);
  expect(await readFile(join(bundle, "rootfs/usr/bin/single"), "utf8")).toBe("single\n");
  expect(await readFile(join(bundle, "rootfs/etc/base"), "utf8")).toBe("the same in every image\n");
});

test("an index of several platforms it takes for an ambiguous tag", async () => {
  const { directory } = await ours();
  expect(await failing("umoci", ["stat", "--json", "--image", `${directory}:app`])).toMatch(/ambiguous/);
});

test("what it repacks into our layout is a new tag, whole, and goes alone", async () => {
  const { directory, store, single } = await ours();
  const bundle = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${directory}:single`, bundle);
  await writeFile(join(bundle, "rootfs/etc/added"), "by umoci\n");
  await rm(join(bundle, "rootfs/etc/base"));
  const sidecar = await snapshot(join(directory, ".ocistore"));
  const before = await readLayout(directory);
  await umoci("repack", "--image", `${directory}:changed`, bundle);
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);

  const repository = store.repository();
  const changed = await repository.resolve("changed");
  expect(await tagsOf(store)).toEqual(["app", "changed", "single"]);
  const { layers } = await repository.manifest(changed);
  expect(layers.slice(0, -1)).toEqual((await repository.manifest(single)).layers);
  expect(layers).toHaveLength(3);
  expect(await findings(store)).toEqual([]);
  expect(faultsOf(await readLayout(directory))).toEqual([]);

  const prediction = predict(await readLayout(directory), "changed");
  expect(prediction.removed).toHaveLength(3);
  const after = await deletesAsPredicted(store, directory, "changed", prediction);
  expect(after.blobs).toEqual(before.blobs);
  expect(after.index.manifests).toEqual(before.index.manifests);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
});

test("the original deleted, what it repacked keeps the layers they share", async () => {
  const { directory, store, single } = await ours();
  const bundle = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${directory}:single`, bundle);
  await writeFile(join(bundle, "rootfs/etc/added"), "by umoci\n");
  await umoci("repack", "--image", `${directory}:changed`, bundle);
  const before = await readLayout(directory);
  const prediction = predict(before, "single");
  expect(prediction.removed).toEqual([single.digest, before.manifests.get(single.digest)!.config!.digest].sort());
  await deletesAsPredicted(store, directory, "single", prediction);
  const again = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${directory}:changed`, again);
  expect(await readFile(join(again, "rootfs/usr/bin/single"), "utf8")).toBe("single\n");
  expect(await readFile(join(again, "rootfs/etc/added"), "utf8")).toBe("by umoci\n");
});

test("repacked onto the same tag, the image before is unlisted, and a collection takes what only it had", async () => {
  const { directory, store, single } = await ours();
  const bundle = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${directory}:single`, bundle);
  await writeFile(join(bundle, "rootfs/etc/added"), "by umoci\n");
  const config = (await readLayout(directory)).manifests.get(single.digest)!.config!.digest;
  await umoci("repack", "--image", `${directory}:single`, bundle);
  const layout = await readLayout(directory);
  // Unlike skopeo it leaves no nameless entry behind.
  expect(layout.index.manifests.map(({ digest }) => digest)).not.toContain(single.digest);
  expect(garbageIn(layout)).toEqual([single.digest, config].sort());
  expect(await removedBy(store, directory, await store.planCollect({ grace: 0 }))).toEqual(
    [single.digest, config].sort(),
  );
  expect(await findings(store)).toEqual([]);
});

test("after our deletion its own collector finds nothing to do", async () => {
  const { directory, store, app } = await ours();
  const prediction = predict(await readLayout(directory), "single");
  await deletesAsPredicted(store, directory, "single", prediction);
  const before = await snapshot(directory);
  await umoci("gc", "--layout", directory);
  expect(await snapshot(directory)).toEqual(before);
  for (const { digest } of [app.sbom, app.signature]) expect(await digestsIn(directory)).toContain(digest);

  await deletesAsPredicted(store, directory, "app", predict(await readLayout(directory), "app"));
  await umoci("gc", "--layout", directory);
  expect(await digestsIn(directory)).toEqual([]);
  expect(await umoci("ls", "--layout", directory)).toBe("");
});

test("after a deletion of ours with a window it leaves the trash alone, and all of it comes back", async () => {
  const { directory, store } = await ours();
  const before = await readLayout(directory);
  const plan = await store.repository().planDelete("app", { window: 3_600_000 });
  await store.apply(plan);
  await umoci("gc", "--layout", directory);
  const without = await readLayout(directory);
  expect([...without.blobs.keys()].filter((digest) => plan.items.some((item) => item.digest === digest))).toEqual([]);
  const revived = await store.parts.catalog.revive(plan.items.map(({ digest }) => digest));
  expect([...revived].sort()).toEqual(plan.items.map(({ digest }) => digest).sort());
  expect((await readLayout(directory)).blobs).toEqual(before.blobs);
});

test("what its collector and ours free of the garbage that it makes is the same", async () => {
  const theirs = join(await temporary(), "theirs");
  await umoci("init", "--layout", theirs);
  await umoci("new", "--image", `${theirs}:v1`);
  const bundle = join(await temporary(), "bundle");
  await umoci("unpack", "--image", `${theirs}:v1`, bundle);
  for (const step of ["one", "two"]) {
    await mkdir(join(bundle, "rootfs", step));
    await umoci("repack", "--refresh-bundle", "--image", `${theirs}:v1`, bundle);
  }
  await umoci("config", "--image", `${theirs}:v1`, "--config.label", "step=three");
  await umoci("tag", "--image", `${theirs}:v1`, "v2");
  await umoci("config", "--image", `${theirs}:v2`, "--config.user", "1:1");
  await umoci("rm", "--image", `${theirs}:v1`);

  const copy = join(await temporary(), "copy");
  await cp(theirs, copy, { recursive: true });
  const expected = garbageIn(await readLayout(theirs));
  expect(expected.length).toBeGreaterThanOrEqual(8);
  const store = await opened(theirs);
  expect((await store.planCollect()).items).toEqual([]);
  const plan = await store.planCollect({ grace: 0 });
  expect(await removedBy(store, theirs, plan)).toEqual(expected);
  await umoci("gc", "--layout", copy);
  expect(await digestsIn(theirs)).toEqual(await digestsIn(copy));
  expect(await findings(store)).toEqual([]);
  await umoci("unpack", "--image", `${theirs}:v2`, join(await temporary(), "bundle"));
});

test("tags that it sets and takes between our commands count at once", async () => {
  const { directory, store, single } = await ours();
  const repository = store.repository();
  const entries = async () => (await readLayout(directory)).index.manifests;
  const before = await entries();
  await umoci("tag", "--image", `${directory}:single`, "alias");
  expect((await repository.resolve("alias")).digest).toBe(single.digest);
  expect((await entries()).slice(0, before.length)).toEqual(before);

  await deletesAsPredicted(store, directory, "single", predict(await readLayout(directory), "single"));
  expect(await tagsOf(store)).toEqual(["alias", "app"]);
  await repository.tag("alias", "ours");
  await umoci("rm", "--image", `${directory}:alias`);
  expect(await tagsOf(store)).toEqual(["app", "ours"]);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);

  await umoci("rm", "--image", `${directory}:ours`);
  const garbage = garbageIn(await readLayout(directory));
  expect(garbage).toContain(single.digest);
  // It has said nothing to us, so only the time of the bytes counts: they are young still.
  expect((await store.planCollect()).items).toEqual([]);
  expect(await removedBy(store, directory, await store.planCollect({ grace: 0 }))).toEqual(garbage);
  expect(await findings(store)).toEqual([]);
});

test("an image that it untags stays, for both of us, while a listed referrer names it", async () => {
  const { directory, store, app } = await ours();
  await umoci("rm", "--image", `${directory}:app`);
  const before = await digestsIn(directory);
  await umoci("gc", "--layout", directory);
  expect(await digestsIn(directory)).toEqual(before);
  expect(await rootsOf(store)).toContain(`own ${app.sbom.digest}`);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);

  // By itself it would leave the referrer without its subject, so both have to be meant.
  await expect(store.repository().planDelete(app.index)).rejects.toMatchObject({
    code: "IN_USE",
    data: { holders: [app.sbom.digest, `untagged ${app.sbom.digest}`] },
  });
  await store.repository().delete(app.index, { referrers: true });
  expect(await tagsOf(store)).toEqual(["single"]);
  const left = await readLayout(directory);
  expect(left.index.manifests.map(nameOf)).toEqual(["single"]);
  expect(left.blobs.size).toBe(4);
  expect(await findings(store)).toEqual([]);
});

test("a tag that it moves off an image with referrers leaves that image to them", async () => {
  const { directory, store, app, single } = await ours();
  await umoci("tag", "--image", `${directory}:single`, "app");
  expect((await store.repository().resolve("app")).digest).toBe(single.digest);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  expect(await findings(store)).toEqual([]);
  await store.repository().delete(app.index, { referrers: true });
  expect((await readLayout(directory)).blobs.size).toBe(4);
});

test("its collector gives up on a referrer whose subject is not stored, and ours does not", async () => {
  const { directory, store } = await ours();
  const subject = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest: `sha256:${"0".repeat(64)}`,
    size: 1,
  };
  const stray = await store
    .repository()
    .session((session) => session.putManifest(packManifest({ artifactType: "a/b", subject: subject as Descriptor })));
  await umoci("rm", "--image", `${directory}:single`);
  const before = await digestsIn(directory);
  expect(await failing("umoci", ["gc", "--layout", directory])).toMatch(/0{64}/);
  expect(await digestsIn(directory)).toEqual(before);
  const garbage = garbageIn(await readLayout(directory));
  expect(garbage).toHaveLength(3);
  expect(await removedBy(store, directory, await store.planCollect({ grace: 0 }))).toEqual(garbage);
  await store.repository().delete(stray);
  await umoci("gc", "--layout", directory);
  expect(await findings(store)).toEqual([]);
});

test("where it looks for its own temporary directories, ours is not in the way", async () => {
  const { directory } = await ours();
  await mkdir(join(directory, ".umoci-left"));
  await umoci("gc", "--layout", directory);
  expect((await readdir(directory)).sort()).toEqual([".ocistore", "blobs", "index.json", "oci-layout"]);
});

test("it makes index.json private, and with our next change it is readable as a new file is", async () => {
  const { directory, store } = await ours();
  const mode = async () => ((await stat(join(directory, "index.json"))).mode & 0o777).toString(8);
  const first = await mode();
  await umoci("tag", "--image", `${directory}:single`, "alias");
  expect(await mode()).toBe("600");
  await store.repository().untag("alias");
  expect(await mode()).toBe(first);
});

test("two entries with one name it takes for an ambiguous tag, where we read the last", async () => {
  const { directory, store, single } = await ours();
  await withSecondEntry(directory, single);
  expect(await failing("umoci", ["stat", "--json", "--image", `${directory}:app`])).toMatch(/ambiguous/);
  expect((await store.repository().resolve("app")).digest).toBe(single.digest);
});

test("when it adds a tag, it keeps our entries, their order and annotations, and drops fields it does not know", async () => {
  const { directory, store } = await ours();
  const before = await withForeignFields(directory);
  const roots = await rootsOf(store);
  expect(roots).toContain(`own ${before.index.manifests[1]!.digest}`);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  await umoci("tag", "--image", `${directory}:single`, "by-umoci");
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);
  const { index } = await readLayout(directory);
  expect(index).not.toHaveProperty("x-tool");
  expect(index.annotations).toEqual({ note: "whole" });
  expect(index.manifests.slice(0, -1)).toEqual(
    before.index.manifests.map((entry) => ({ ...entry, "x-at": undefined })),
  );
  expect(await rootsOf(store)).toEqual([...roots, "tag by-umoci"].sort());
});
