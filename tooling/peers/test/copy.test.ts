import { join } from "node:path";
import { copy } from "@ocistore/core";
import { beforeEach, expect, test } from "vitest";
import { readLayout } from "./support/naive.ts";
import { NOTE, ours } from "./support/ours.ts";
import { contentOf, deletesAll, isSound, opened, referrersOf, rootsOf } from "./support/store.ts";
import { oras, regctl, requireTools, run, skopeo, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("oras", "regctl", "skopeo"));

/** The digests of what oras finds that refers to it, at the first level. */
async function discovered(reference: string): Promise<string[]> {
  const { referrers } = JSON.parse(await oras("discover", "--oci-layout", reference, "--format", "json"));
  return referrers.map(({ digest }: { digest: string }) => digest).sort();
}

test("what we copy out of a layout of oras is all of it, and oras finds in the copy what it found there", async () => {
  const { directory, app } = await ours();
  const theirs = join(await temporary(), "theirs");
  await oras("cp", "-r", "--from-oci-layout", `${directory}:app`, "--to-oci-layout", `${theirs}:app`);
  const target = join(await temporary(), "copy");
  const [from, to] = [await opened(theirs), await opened(target, { create: true })];
  await copy(from.repository(), to.repository(), "app", { referrers: true });

  const { blobs } = await isSound(to, target);
  expect([...blobs].sort()).toEqual([...(await readLayout(theirs)).blobs].sort());
  expect(await discovered(`${target}:app`)).toEqual(await discovered(`${theirs}:app`));
  expect(await discovered(`${target}:app`)).toEqual([app.sbom.digest]);
  expect(await referrersOf(to, app.amd64.digest)).toEqual([app.signature.digest]);
  await deletesAll(to, target);
});

test("what regctl has attached under a fallback tag is listed in our copy, and oras finds it there as before", async () => {
  const { directory } = await ours();
  const theirs = join(await temporary(), "theirs");
  await regctl("image", "copy", `ocidir://${directory}:single`, `ocidir://${theirs}:single`);
  const put = ["artifact", "put", "--artifact-type", NOTE, "--subject", `ocidir://${theirs}:single`];
  await run("regctl", put, { input: "attached\n" });
  const target = join(await temporary(), "copy");
  const [from, to] = [await opened(theirs), await opened(target, { create: true })];
  const attached = await referrersOf(from, "single");
  expect(attached).toHaveLength(1);
  expect(await discovered(`${theirs}:single`)).toEqual(attached);
  const { referrers } = await copy(from.repository(), to.repository(), "single", { referrers: true });
  expect(referrers).toBeGreaterThan(0);
  const { index } = await isSound(to, target);
  expect(index.manifests.map(({ digest }) => digest)).toContain(attached[0]);
  expect(await rootsOf(to)).toEqual(["tag single"]);
  expect(await referrersOf(to, "single")).toEqual(attached);
  expect(await discovered(`${target}:single`)).toEqual(attached);
  await deletesAll(to, target);
});

test("what we copy into a layout of skopeo, skopeo reads, and what was there stays", async () => {
  const { directory, store, app } = await ours();
  const theirs = join(await temporary(), "theirs");
  await skopeo("copy", "--quiet", `oci:${directory}:single`, `oci:${theirs}:single`);
  const before = await readLayout(theirs);
  const to = await opened(theirs);
  await copy(store.repository(), to.repository(), "app", { tags: ["v1", "latest"] });
  const { index } = await isSound(to, theirs);
  expect(index.manifests.slice(0, 1)).toEqual(before.index.manifests);
  expect(await rootsOf(to)).toEqual(["tag latest", "tag single", "tag v1"]);
  expect(await skopeo("inspect", "--raw", `oci:${theirs}:latest`)).toBe(await contentOf(directory, app.index.digest));
  await skopeo("copy", "--quiet", "--all", `oci:${theirs}:v1`, `dir:${join(await temporary(), "copy")}`);
  await deletesAll(to, theirs);
});
