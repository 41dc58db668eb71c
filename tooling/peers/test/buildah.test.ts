import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openArchive, writeArchive } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { nameOf, predict, readLayout } from "./support/naive.ts";
import { ours, putNote } from "./support/ours.ts";
import {
  deletesAll,
  deletesAsPredicted,
  findings,
  isSound,
  opened,
  rootsOf,
  snapshot,
  tagsOf,
  withForeignFields,
} from "./support/store.ts";
import { failing, requireTools, run, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("buildah"));

interface Buildah {
  (...args: readonly string[]): Promise<string>;
  /** A container of this image, or of nothing, with a file `/added` in it. */
  changed(image: string): Promise<string>;
  readonly policy: readonly string[];
}

/** With a storage of its own, which needs no kernel module, and no trust policy of the machine's. */
async function buildah(): Promise<Buildah> {
  const home = await temporary();
  const policy = join(home, "policy.json");
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await writeFile(join(home, "added"), "by buildah\n");
  const storage = ["--root", join(home, "root"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
  const start = async (...args: readonly string[]) => (await run("buildah", [...storage, ...args])).trim();
  return Object.assign(start, {
    policy: ["--signature-policy", policy],
    changed: async (image: string) => {
      const container = await start("from", "--quiet", "--signature-policy", policy, image);
      await start("copy", "--quiet", container, join(home, "added"), "/added");
      return container;
    },
  });
}

const commit = (tool: Buildah, container: string, target: string): Promise<string> =>
  tool("commit", "--quiet", "--timestamp", "0", ...tool.policy, container, target);

test("it starts from an image that we wrote, and commits its layers unpacked, so that they share nothing with ours", async () => {
  const { directory, store } = await ours();
  const tool = await buildah();
  const container = await tool.changed(`oci:${directory}:single`);
  const root = await tool("mount", container);
  expect(await readFile(join(root, "usr/bin/single"), "utf8")).toBe("single\n");
  const before = await readLayout(directory);
  await commit(tool, container, `oci:${directory}:built`);

  const layout = await isSound(store, directory);
  expect(await tagsOf(store)).toEqual(["app", "built", "single"]);
  const { layers } = await store.repository().manifest("built");
  expect(layers.map(({ mediaType }) => mediaType)).toEqual(Array(3).fill("application/vnd.oci.image.layer.v1.tar"));
  expect((await diffIds(store, "built")).slice(0, -1)).toEqual(await diffIds(store, "single"));
  const prediction = predict(layout, "built");
  expect(prediction.removed).toHaveLength(5);
  const after = await deletesAsPredicted(store, directory, "built", prediction);
  expect(after.blobs).toEqual(before.blobs);
  expect(after.index.manifests).toEqual(before.index.manifests);
});

test("of an index it takes its own platform", async () => {
  const { directory } = await ours();
  const tool = await buildah();
  const image = await tool("pull", "--quiet", "--arch", "arm64", ...tool.policy, `oci:${directory}:app`);
  expect(JSON.parse(await tool("inspect", "--type", "image", image)).OCIv1).toMatchObject({ architecture: "arm64" });
});

test("what it writes alone has no mediaType in index.json and no child listed, and goes image by image", async () => {
  const { directory } = await ours();
  const theirs = join(await temporary(), "theirs");
  const tool = await buildah();
  await commit(tool, await tool.changed("scratch"), `oci:${theirs}:built`);
  await tool("manifest", "create", "list");
  for (const architecture of ["amd64", "arm64"])
    await tool("manifest", "add", "--arch", architecture, "list", `oci:${directory}:app`);
  await tool("manifest", "push", "--quiet", "--all", ...tool.policy, "list", `oci:${theirs}:list`);
  const store = await opened(theirs);
  const { index, manifests } = await isSound(store, theirs);
  expect(Object.keys(index).sort()).toEqual(["manifests", "schemaVersion"]);
  expect(index.manifests.map(nameOf)).toEqual(["built", "list"]);
  expect(manifests.size).toBeGreaterThan(2);
  expect((await store.repository().resolve("list")).mediaType).toBe("application/vnd.oci.image.index.v1+json");
  await deletesAll(store, theirs);
});

test("a tag that it moves leaves a nameless entry, which we keep until it is deleted by digest", async () => {
  const { directory, store, single } = await ours();
  const tool = await buildah();
  await commit(tool, await tool.changed(`oci:${directory}:single`), `oci:${directory}:single`);
  const { index } = await isSound(store, directory);
  expect(index.manifests.filter(({ digest }) => digest === single.digest).map(nameOf)).toEqual([undefined]);
  expect(await rootsOf(store)).toEqual([`own ${single.digest}`, "tag app", "tag single"]);
  await deletesAll(store, directory);
});

test("it writes index.json in place, keeps entries and annotations, and drops fields it does not know", async () => {
  const { directory, store } = await ours();
  const tool = await buildah();
  const container = await tool.changed("scratch");
  const before = await withForeignFields(directory);
  const roots = await rootsOf(store);
  expect(roots).toContain(`own ${before.index.manifests[1]!.digest}`);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  const { ino } = await stat(join(directory, "index.json"));
  await commit(tool, container, `oci:${directory}:built`);
  expect((await stat(join(directory, "index.json"))).ino).toBe(ino);
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);
  const { index } = await isSound(store, directory);
  expect(Object.keys(index).sort()).toEqual(["annotations", "manifests", "mediaType", "schemaVersion"]);
  expect(index.annotations).toEqual({ note: "whole" });
  expect(index.manifests.slice(0, -1)).toEqual(
    before.index.manifests.map((entry) => ({ ...entry, "x-at": undefined })),
  );
  expect(await rootsOf(store)).toEqual([...roots, "tag built"].sort());
});

test("after our deletion it does not find what is gone, and starts from the rest", async () => {
  const { directory, store } = await ours();
  await deletesAsPredicted(store, directory, "app", predict(await readLayout(directory), "app"));
  const tool = await buildah();
  const pull = ["--root", join(directory, "..", "root"), "--runroot", join(directory, "..", "run")];
  const gone = [...pull, "--storage-driver", "vfs", "pull", ...tool.policy, `oci:${directory}:app`];
  expect(await failing("buildah", gone)).toMatch(/no descriptor found/);
  const root = await tool("mount", await tool.changed(`oci:${directory}:single`));
  expect(await readFile(join(root, "usr/bin/single"), "utf8")).toBe("single\n");
  expect(await readFile(join(root, "added"), "utf8")).toBe("by buildah\n");
});

test("what it makes of our image loses nothing but referrers, of which it knows nothing", async () => {
  const { directory, store, single } = await ours();
  await putNote(store, "a note", { subject: single });
  const theirs = join(await temporary(), "theirs");
  const tool = await buildah();
  const image = await tool("pull", "--quiet", ...tool.policy, `oci:${directory}:single`);
  await tool("push", "--quiet", ...tool.policy, image, `oci:${theirs}:single`);
  const copied = await opened(theirs);
  const { manifests } = await isSound(copied, theirs);
  expect(manifests.size).toBe(1);
  expect(await diffIds(copied, "single")).toEqual(await diffIds(store, "single"));
});

/** Digests of what the layers of an image are when they are unpacked. */
async function diffIds(store: Store, tag: string): Promise<string[]> {
  const { config } = await store.repository().manifest(tag);
  return JSON.parse(new TextDecoder().decode(await store.repository().bytes(config!))).rootfs.diff_ids;
}

test("it starts from an archive that we export, and we read the one that it writes", async () => {
  const { directory, store } = await ours();
  const files = join(await temporary(), "files");
  await mkdir(files);
  await writeArchive(store, join(files, "ours.tar"), { references: ["single"] });
  const tool = await buildah();
  const container = await tool.changed(`oci-archive:${join(files, "ours.tar")}:single`);
  await commit(tool, container, `oci-archive:${join(files, "theirs.tar")}:built`);
  const opening = await openArchive(join(files, "theirs.tar"));
  onTestFinished(() => opening.close());
  expect(await tagsOf(opening)).toEqual(["built"]);
  expect(await findings(opening)).toEqual([]);
  const { layers } = await opening.repository().manifest("built");
  expect(layers).toHaveLength(3);
  expect(await tagsOf(await opened(directory))).toEqual(["app", "single"]);
});
