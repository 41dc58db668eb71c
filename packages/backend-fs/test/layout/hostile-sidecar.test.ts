import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { digestOf } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { ForeignLayout, snapshot, temporaryDirectory } from "../support/foreign-layout.ts";

const LONG_AGO = new Date("2001-09-09");
const CONDEMNED = `sha256-${digestOf(bytes("garbage")).slice("sha256:".length)}.7.blob`;

async function old(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await utimes(path, LONG_AGO, LONG_AGO);
}

/** A layout of one old image, and a directory of somebody's that looks as if all of it were due. */
async function layoutAndVictim() {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("a"), "v1");
  await layout.writeIndex();
  await layout.age();
  const victim = join(dirname(layout.directory), "victim");
  await old(join(victim, "thesis"), "precious");
  await old(join(victim, "a-session"), "until 5\n");
  await old(join(victim, CONDEMNED), "garbage");
  await old(join(victim, "a-run", CONDEMNED), "garbage");
  await old(join(victim, "a-run", "run.json"), '{"format":1,"at":0,"until":0,"tags":[],"manifests":[]}');
  await mkdir(join(layout.directory, ".ocistore"));
  const ours = (name: string) => join(layout.directory, ".ocistore", name);
  return { layout, victim, ours, before: await snapshot(victim) };
}

async function opened(directory: string) {
  const store = await openLayout(directory);
  onTestFinished(() => store.close());
  return { store, repository: store.repository() };
}

const refused = { code: "LAYOUT_INVALID" };
const DIRECTORIES = ["sessions", "uploads", "trash"];

test.each(DIRECTORIES)("a layout whose .ocistore/%s is a link is not opened", async (name) => {
  const { layout, victim, ours, before } = await layoutAndVictim();
  await symlink(victim, ours(name));
  await expect(openLayout(layout.directory)).rejects.toMatchObject(refused);
  await expect(openLayout(layout.directory, { readOnly: true })).rejects.toMatchObject(refused);
  await expect(openLayout(layout.directory, { create: true })).rejects.toMatchObject(refused);
  expect(await snapshot(victim)).toEqual(before);
});

test.each(DIRECTORIES)("a .ocistore/%s that becomes a link later is not followed", async (name) => {
  const { layout, victim, ours, before } = await layoutAndVictim();
  const { store, repository } = await opened(layout.directory);
  // By now this process has made the directories, and takes them to be there.
  await repository.session((session) => session.putBlob(bytes("x")));
  await store.collect({ grace: 0 });
  await rm(ours(name), { recursive: true, force: true });
  await symlink(victim, ours(name));
  await expect(store.collect()).rejects.toMatchObject(refused);
  await expect(store.collect({ grace: 0 })).rejects.toMatchObject(refused);
  const putting = repository.session((session) => session.putBlob(bytes("y")));
  await expect(putting).rejects.toMatchObject(refused);
  // Uploads are no concern of a deletion.
  if (name !== "uploads") await expect(repository.delete("v1")).rejects.toMatchObject(refused);
  else await repository.delete("v1");
  expect(await snapshot(victim)).toEqual(before);
});

test("a run that is a link is no run: neither read, nor erased, nor written to", async () => {
  const { layout, victim, ours, before } = await layoutAndVictim();
  await mkdir(ours("trash"));
  await symlink(join(victim, "a-run"), ours("trash/a-run"));
  await symlink(victim, ours("trash/another"));
  const { store, repository } = await opened(layout.directory);
  for await (const row of store.condemned()) expect.unreachable(`${row.digest} is not ours`);
  await store.collect();
  const plan = await repository.planDelete("v1");
  await symlink(victim, ours(`trash/${plan.header.id}`));
  await expect(store.apply(plan)).rejects.toMatchObject(refused);
  expect(await snapshot(victim)).toEqual(before);
  expect(await layout.listed()).toEqual(["v1"]);
  await repository.delete("v1");
  await store.collect({ grace: 0 });
  expect(await snapshot(victim)).toEqual(before);
  expect(await layout.blobs()).toEqual(new Set());
});

test("a run that becomes a link while its files wait is not erased through it", async () => {
  const { layout, victim, ours, before } = await layoutAndVictim();
  const { store, repository } = await opened(layout.directory);
  const { run } = await repository.delete("v1", { window: 1 });
  await rename(ours(`trash/${run}`), join(victim, "../moved"));
  await symlink(join(victim, "../moved"), ours(`trash/${run}`));
  const moved = await readdir(join(victim, "../moved"));
  await new Promise((resolve) => setTimeout(resolve, 10));
  await store.collect({ grace: 0 });
  expect(await readdir(join(victim, "../moved"))).toEqual(moved);
  expect(await snapshot(victim)).toEqual(before);
});

test.each([
  ["sessions", "thesis.odt"],
  ["sessions", ".DS_Store"],
  ["sessions", ".nfs0001"],
  ["sessions", "my notes"],
  ["uploads", ".DS_Store"],
  ["uploads", ".nfs0001"],
  ["uploads", "my notes"],
  ["uploads", "-rf"],
  ["trash", "thesis.odt"],
  ["trash/a-run", "thesis.odt"],
])("a stranger's file in .ocistore/%s, %s, stops nothing and stays", async (directory, name) => {
  const { layout, ours } = await layoutAndVictim();
  const path = ours(join(directory, name));
  await old(path, "precious");
  const { store, repository } = await opened(layout.directory);
  await store.collect();
  await repository.session((session) => session.putBlob(bytes("more")));
  await repository.delete("v1");
  await store.collect({ grace: 0 });
  await store.collect();
  expect(await readFile(path, "utf8")).toBe("precious");
  expect(await layout.blobs()).toEqual(new Set());
});

test("create: a directory without oci-layout whose index.json has entries is somebody's, and stays as it is", async () => {
  const layout = await ForeignLayout.make();
  layout.list(await layout.image("a"), "v1");
  await layout.writeIndex();
  await rm(join(layout.directory, "oci-layout"));
  const before = await readFile(join(layout.directory, "index.json"), "utf8");
  for (let attempt = 0; attempt < 2; attempt++) {
    await expect(openLayout(layout.directory, { create: true })).rejects.toMatchObject(refused);
    expect(await readFile(join(layout.directory, "index.json"), "utf8")).toBe(before);
    expect(await readdir(layout.directory)).not.toContain("oci-layout");
  }
});

test("create: of many that make one layout at once all succeed, and all have the same", async () => {
  for (let round = 0; round < 4; round++) {
    const directory = join(await temporaryDirectory(), "new/layout");
    const stores = await Promise.all(Array.from({ length: 12 }, () => openLayout(directory, { create: true })));
    const identities = await Promise.all(stores.map((store) => store.parts.catalog.identity()));
    expect(new Set(identities).size).toBe(1);
    expect(identities[0]).not.toContain("layout:");
    for (const store of stores) await store.close();
    expect((await readdir(join(directory, ".ocistore"))).filter((name) => name.endsWith(".new"))).toEqual([]);
  }
});
