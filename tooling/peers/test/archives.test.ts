import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { importArchive, openArchive, writeArchive } from "@ocistore/backend-fs";
import type { Store } from "@ocistore/core";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { type MultiPlatform, putImage, putMultiPlatform } from "./support/images.ts";
import { findings, opened, tagsOf } from "./support/store.ts";
import { failing, requireTools, run, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("skopeo", "umoci", "buildah", "tar"));

async function ours(): Promise<{ store: Store; app: MultiPlatform; file: string }> {
  const directory = await temporary();
  const store = await opened(join(directory, "ours"), { create: true });
  const app = await putMultiPlatform(store.repository(), "app");
  await store
    .repository()
    .session((session) => putImage(session, { files: { "usr/bin/single": "1\n" }, tags: ["single"] }));
  const file = join(directory, "ours.tar");
  await writeArchive(store, file);
  return { store, app, file };
}

async function archive(file: string): Promise<Store> {
  const store = await openArchive(file);
  onTestFinished(() => store.close());
  return store;
}

/** The archive is sound, and its images arrive in a store as the same manifests. */
async function expectImages(file: string, tags: readonly string[]): Promise<Store> {
  const from = await archive(file);
  expect(await findings(from)).toEqual([]);
  const to = await opened(join(await temporary(), "to"), { create: true });
  await importArchive(from, to);
  expect((await tagsOf(to)).sort()).toEqual([...tags].sort());
  expect(await findings(to)).toEqual([]);
  return from;
}

test("skopeo reads an archive of ours, and we read what it makes of it", async () => {
  const { store, app, file } = await ours();
  const copy = join(await temporary(), "skopeo.tar");
  await run("skopeo", ["copy", "--all", `oci-archive:${file}:app`, `oci-archive:${copy}:again`]);
  const from = await expectImages(copy, ["again"]);
  expect((await from.repository().resolve("again")).digest).toBe(app.index.digest);
  const single = JSON.parse(await run("skopeo", ["inspect", "--raw", `oci-archive:${file}:single`]));
  expect(single.layers).toEqual(JSON.parse(JSON.stringify((await store.repository().manifest("single")).layers)));
});

test("an archive of one image needs no tag in skopeo; one of several does", async () => {
  const { store, file } = await ours();
  const one = join(await temporary(), "one.tar");
  await writeArchive(store, one, { references: ["single"] });
  await run("skopeo", ["inspect", `oci-archive:${one}`]);
  expect(await failing("skopeo", ["inspect", `oci-archive:${file}`])).toMatch(/more than one image|choose/i);
});

test("buildah pulls from an archive of ours, and we read what it pushes", async () => {
  const { store } = await ours();
  const directory = await temporary();
  const [one, pushed] = [join(directory, "one.tar"), join(directory, "buildah.tar")];
  await writeArchive(store, one, { references: ["single"] });
  const storage = ["--root", join(directory, "root"), "--runroot", join(directory, "run"), "--storage-driver", "vfs"];
  const id = (await run("buildah", [...storage, "pull", "-q", `oci-archive:${one}:single`])).trim();
  await run("buildah", [...storage, "push", id, `oci-archive:${pushed}:pushed`]);
  await expectImages(pushed, ["pushed"]);
});

test("umoci reads what tar unpacks of ours, and we read what tar packs of its own", async () => {
  const { file } = await ours();
  const layout = join(await temporary(), "layout");
  await mkdir(layout);
  await run("tar", ["-C", layout, "-xf", file]);
  expect((await run("umoci", ["ls", "--layout", layout])).trim().split("\n").sort()).toEqual(["app", "single"]);
  await run("umoci", ["tag", "--image", `${layout}:single`, "tagged"]);
  await run("umoci", ["config", "--image", `${layout}:single`, "--author", "umoci"]);
  await run("umoci", ["gc", "--layout", layout]);
  for (const format of ["ustar", "gnu", "pax"]) {
    const packed = join(await temporary(), `${format}.tar`);
    await run("tar", [`--format=${format}`, "-C", layout, "-cf", packed, "."]);
    await expectImages(packed, ["app", "single", "tagged"]);
  }
});

test("of what tar --sparse and tar of hard links make we say what is wrong", async () => {
  const { file } = await ours();
  const directory = await temporary();
  const layout = join(directory, "layout");
  await mkdir(layout);
  await run("tar", ["-C", layout, "-xf", file]);
  await run("truncate", ["-s", "1M", join(layout, "hole")]);
  await run("tar", ["--sparse", "-C", layout, "-cf", join(directory, "sparse.tar"), "."]);
  await expect(openArchive(join(directory, "sparse.tar"))).rejects.toMatchObject({ code: "UNSUPPORTED" });
  await run("ln", [join(layout, "index.json"), join(layout, "another")]);
  await run("rm", [join(layout, "hole")]);
  await run("tar", ["-C", layout, "-cf", join(directory, "links.tar"), "another", "index.json", "oci-layout", "blobs"]);
  await expect(openArchive(join(directory, "links.tar"))).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  await run("tar", [
    "--hard-dereference",
    "-C",
    layout,
    "-cf",
    join(directory, "files.tar"),
    "another",
    "index.json",
    "oci-layout",
    "blobs",
  ]);
  await expectImages(join(directory, "files.tar"), ["app", "single"]);
});

test("what docker save made before Docker 25 is called by its name", async () => {
  const { file } = await ours();
  const docker = join(await temporary(), "docker.tar");
  await run("skopeo", ["copy", `oci-archive:${file}:single`, `docker-archive:${docker}:single:latest`]);
  await expect(openArchive(docker)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/docker save/),
  });
});
