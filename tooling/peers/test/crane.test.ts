import { cp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { type Digest, garbageIn, nameOf, predict, readLayout } from "./support/naive.ts";
import { ours, putNote } from "./support/ours.ts";
import { registry } from "./support/registry.ts";
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
} from "./support/store.ts";
import { crane, failing, requireTools, temporary } from "./support/tools.ts";

beforeEach(() => requireTools("crane"));

// crane copies between a registry and a layout, never from layout to layout; its own registry stands in the middle.

const digestsIn = async (directory: string): Promise<Digest[]> =>
  [...(await readLayout(directory)).blobs.keys()].sort();

/** Our layout in a registry, whole, as the one index that crane makes of index.json. */
async function pushed(directory: string): Promise<string> {
  const repository = `${await registry()}/ours`;
  await crane("push", "--index", directory, `${repository}:whole`);
  return repository;
}

const pull = (reference: string, directory: string, ...args: readonly string[]): Promise<string> =>
  crane("pull", "--format", "oci", ...args, reference, directory);

test("what we write it pushes to a registry whole, byte for byte, and finds sound there", async () => {
  const { directory, store, app, single } = await ours();
  await putNote(store, "a note", { subject: single, tags: ["note"] });
  const repository = await pushed(directory);
  for (const { digest } of [...Object.values(app), single])
    expect(await crane("manifest", `${repository}@${digest}`)).toBe(await contentOf(directory, digest));
  for (const { digest } of [app.index, single])
    expect(await crane("validate", "--remote", `${repository}@${digest}`)).toMatch(/^PASS/);
  // In the registry a referrer is found by its subject's fallback tag, which the registry makes.
  const referrers = JSON.parse(await crane("manifest", `${repository}:${app.index.digest.replace(":", "-")}`));
  expect(referrers.manifests).toMatchObject([{ digest: app.sbom.digest, artifactType: "application/spdx+json" }]);
  await deletesAll(store, directory);
});

test("what it pulls has no name: a root of its own, without referrers, that goes by digest", async () => {
  const { directory, app } = await ours();
  const repository = await pushed(directory);
  const theirs = join(await temporary(), "theirs");
  await pull(`${repository}@${app.index.digest}`, theirs);
  const store = await opened(theirs);
  const { index, manifests } = await isSound(store, theirs);
  expect(index.manifests.map((entry) => [entry.digest, nameOf(entry)])).toEqual([[app.index.digest, undefined]]);
  expect([...manifests.keys()].sort()).toEqual([app.index, app.amd64, app.arm64].map(({ digest }) => digest).sort());
  expect(await rootsOf(store)).toEqual([`own ${app.index.digest}`]);
  expect(await referrersOf(store, app.index.digest)).toEqual([]);
  expect((await store.collect({ grace: 0 })).removed).toBe(0);
  await deletesAll(store, theirs);
});

test("pulled by name again and again, the name is there again and again, and the last one counts", async () => {
  const { directory, app } = await ours();
  const repository = await pushed(directory);
  await crane("copy", `${repository}@${app.index.digest}`, `${repository}:app`);
  const theirs = join(await temporary(), "theirs");
  const name = `${repository}:app`;
  await pull(name, theirs, "--annotate-ref");
  await pull(name, theirs, "--annotate-ref");
  const store = await opened(theirs);
  const twice = await isSound(store, theirs);
  expect(twice.index.manifests.map(nameOf)).toEqual([name, name]);
  expect(await findings(store)).toMatchObject([{ level: "warning", code: "layout" }]);
  expect(await tagsOf(store)).toEqual([name]);
  expect(await rootsOf(store)).toEqual([`tag ${name}`]);

  await pull(name, theirs, "--annotate-ref", "--platform", "linux/amd64");
  await isSound(store, theirs);
  expect((await store.repository().resolve(name)).digest).toBe(app.amd64.digest);
  expect(await rootsOf(store)).toEqual([`own ${app.index.digest}`, `tag ${name}`]);
  // The tag is one thing and the index another: with the first goes the name alone.
  await store.repository().delete(name);
  const left = await isSound(store, theirs);
  expect(await tagsOf(store)).toEqual([]);
  expect(left.blobs.has(app.amd64.digest as Digest)).toBe(true);
  await deletesAll(store, theirs);
});

test("its files have modes of their own, and go as others do", async () => {
  const { directory, app } = await ours();
  const repository = await pushed(directory);
  const theirs = join(await temporary(), "theirs");
  await pull(`${repository}@${app.index.digest}`, theirs);
  const mode = async (name: string) => ((await stat(join(theirs, name))).mode & 0o777).toString(8);
  const [layer] = (await readLayout(theirs)).manifests.get(app.amd64.digest as Digest)!.layers!;
  expect(await mode("index.json")).toBe("755");
  expect(await mode(`blobs/${layer!.digest.replace(":", "/")}`)).toBe("600");
  const store = await opened(theirs);
  await store.repository().tag(app.index, "ours");
  expect(await mode("index.json")).toBe("644");
  await deletesAll(store, theirs);
});

test("pulling into our layout it appends in place, keeps annotations, and drops fields it does not know", async () => {
  const { directory, store, app } = await ours();
  const repository = await pushed(directory);
  const before = await withForeignFields(directory);
  const roots = await rootsOf(store);
  expect(roots).toContain(`own ${before.index.manifests[1]!.digest}`);
  const sidecar = await snapshot(join(directory, ".ocistore"));
  const { ino } = await stat(join(directory, "index.json"));
  await pull(`${repository}@${app.amd64.digest}`, directory);
  expect((await stat(join(directory, "index.json"))).ino).toBe(ino);
  expect(await snapshot(join(directory, ".ocistore"))).toEqual(sidecar);
  const { index } = await isSound(store, directory);
  expect(Object.keys(index).sort()).toEqual(["annotations", "manifests", "mediaType", "schemaVersion"]);
  expect(index.annotations).toEqual({ note: "whole" });
  expect(index.manifests.slice(0, -1)).toEqual(
    before.index.manifests.map((entry) => ({ ...entry, "x-at": undefined })),
  );
  expect(JSON.stringify(index)).toContain('"dev.ocistore.own":"true"');
  // A child that it lists without a name is a child still.
  expect(nameOf(index.manifests.at(-1)!)).toBeUndefined();
  expect(await rootsOf(store)).toEqual(roots);
});

test("its collection takes nothing that is live for us, and the same garbage as ours", async () => {
  const { directory, store } = await ours();
  const before = await digestsIn(directory);
  await crane("layout", "gc", directory);
  expect(await digestsIn(directory)).toEqual(before);

  await store.repository().untag("app");
  const copy = join(await temporary(), "copy");
  await cp(directory, copy, { recursive: true });
  const garbage = garbageIn(await readLayout(directory));
  expect(garbage.length).toBeGreaterThan(5);
  await crane("layout", "gc", directory);
  await (await opened(copy)).collect({ grace: 0 });
  expect(await digestsIn(directory)).toEqual(await digestsIn(copy));
  expect(await digestsIn(directory)).toEqual(before.filter((digest) => !garbage.includes(digest)));
  await isSound(store, directory);
  expect(await tagsOf(store)).toEqual(["single"]);
});

test("after our deletion it finds nothing to collect, leaves the trash alone, and pushes the rest", async () => {
  const { directory, store, app, single } = await ours();
  const all = await digestsIn(directory);
  const { run } = await store.repository().delete("app", { window: 3_600_000 });
  const before = await snapshot(directory);
  await crane("layout", "gc", directory);
  expect(await snapshot(directory)).toEqual(before);
  const repository = `${await registry()}/ours`;
  await crane("push", directory, `${repository}:single`);
  expect((await crane("digest", `${repository}:single`)).trim()).toBe(single.digest);
  await store.undo(run);
  expect(await digestsIn(directory)).toEqual(all);
  await deletesAsPredicted(store, directory, "app", predict(await readLayout(directory), "app"));
  expect(await failing("crane", ["manifest", `${repository}@${app.index.digest}`])).toMatch(/MANIFEST_UNKNOWN/);
});

test("its collection stops at a type that it does not know and at a child that is absent, where ours goes on", async () => {
  const { directory, store, app, single } = await ours();
  await store.repository().untag("single");
  const path = join(directory, "index.json");
  const index = await readFile(path, "utf8");
  const foreign = JSON.parse(index);
  foreign.manifests.push({ ...foreign.manifests[0], mediaType: "application/vnd.example+json", annotations: {} });
  await writeFile(path, JSON.stringify(foreign));
  const before = await digestsIn(directory);
  expect(await failing("crane", ["layout", "gc", directory])).toMatch(/unknown media type/);
  expect(await digestsIn(directory)).toEqual(before);
  await writeFile(path, index);

  // Not by a fault: a sparse index is what one gets who copies one platform.
  await rm(join(directory, "blobs", app.arm64.digest.replace(":", "/")));
  expect(await failing("crane", ["layout", "gc", directory])).toMatch(/no such file/);
  expect(await digestsIn(directory)).toContain(single.digest);
  await store.collect({ grace: 0 });
  expect(await digestsIn(directory)).not.toContain(single.digest);
});
