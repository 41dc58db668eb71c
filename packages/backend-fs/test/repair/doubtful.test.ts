import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "@ocistore/core";
import { expect, onTestFinished, test } from "vitest";
import { type FileSystem, foreseeLayout, nodeFileSystem, openLayout, repairLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { contentOf, damage, found, KINDS, place, repaired } from "./place.ts";

// What only a damaged manifest named must not become garbage by a repair.

// Of a pin nobody knows what it is on, unless that still looks like a manifest.
const CASES = (["tagged", "a child", "pinned"] as const)
  .flatMap((role) => KINDS.map((how) => [role, how] as const))
  .filter(([role, how]) => role !== "pinned" || how !== "empty");

test.each(CASES)(
  "a manifest that is %s and damaged, %s, stays without a source, and so does what it names",
  async (role, how) => {
    const at = await place();
    const store = await at.open();
    const target = role === "tagged" ? at.multi : at.amd64;
    if (role === "a child") await store.repository().untag("v1");
    if (role === "pinned") {
      await store.repository().pin("v1", "keep");
      await store.repository().delete(["multi", "v1"]);
    }
    await damage(at.blob(target), how);
    const before = await digestsOf(at.directory);
    const { mended } = await repaired(at);
    expect(mended).toEqual([]);
    expect(await (await at.open()).collect({ grace: 0 })).toMatchObject({ removed: 0 });
    expect(await digestsOf(at.directory)).toEqual(before);
  },
);

async function digestsOf(directory: string): Promise<string[]> {
  return Object.keys(await contentOf(directory)).filter((path) => path.startsWith(join(directory, "blobs/sha256/")));
}

async function withoutIndex() {
  const at = await place();
  await writeFile(join(at.directory, "index.json"), "garbage");
  return at;
}

test.each(KINDS)("index.json is garbage and a manifest damaged, %s: nothing of it is collected", async (how) => {
  const at = await withoutIndex();
  for (const each of [at.amd64, at.multi]) await damage(at.blob(each), how);
  const before = await digestsOf(at.directory);
  const done = await repairLayout(at.directory);
  for (const { digest } of [at.amd64, at.multi]) {
    const message = expect.stringContaining("whether these bytes were a manifest");
    expect(done).toContainEqual(expect.objectContaining({ level: "warning", digest, message }));
  }
  const store = await at.open();
  expect((await store.planCollect({ grace: 0 })).kept.length).toBeGreaterThan(0);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  expect(await digestsOf(at.directory)).toEqual(before);

  // From a source, and in the same run, it is known again for what it is; then nothing is in the way of a collection.
  const { left } = await repaired(at, { from: [(await at.mirror()).repository()] });
  expect(left).toEqual([]);
  expect((await found(store.check())).filter(({ level }) => level !== "note")).toEqual([]);
  const index = JSON.parse(await readFile(join(at.directory, "index.json"), "utf8"));
  for (const { digest, mediaType, size } of [at.multi, at.amd64, at.arm64]) {
    expect(index.manifests).toContainEqual(expect.objectContaining({ digest, mediaType, size }));
  }
  await store.repository().delete([at.multi.digest, at.amd64.digest, at.arm64.digest]);
  expect(await digestsOf(at.directory)).toEqual([]);
});

test("bytes that turn out to be no manifest lose their entry, and are set aside like any blob", async () => {
  const at = await withoutIndex();
  for (const each of [at.amd64, at.arm64, at.layer]) await damage(at.blob(each), "a byte is wrong");
  await repairLayout(at.directory);
  const listed = async () => {
    const { manifests } = JSON.parse(await readFile(join(at.directory, "index.json"), "utf8"));
    return manifests.map(({ digest }: { digest: string }) => digest);
  };
  // The children are known for what they are by the index that names them.
  expect(new Set(await listed())).toEqual(new Set([at.multi.digest, at.layer.digest]));
  for (const each of [at.amd64, at.arm64]) {
    await (await at.open()).repository().session(async (session) => {
      const content = [];
      for await (const piece of (await at.mirror()).repository().blob(each.digest)) content.push(piece);
      await session.putManifest({ bytes: Buffer.concat(content) }, { sparse: true });
    });
  }
  await repaired(at);
  expect(await listed()).toEqual([at.multi.digest]);
  await (await at.open()).repository().session((session) => session.putBlob(bytes("a layer that both share")));
  expect((await found((await at.open()).check())).filter(({ level }) => level !== "note")).toEqual([]);
});

test("what cannot be read is a root too, until it can be", async () => {
  const at = await withoutIndex();
  let isFailing = true;
  const disk = nodeFileSystem();
  const fs: FileSystem = {
    ...disk,
    open: (path, ...rest) => {
      if (isFailing && path === at.blob(at.multi))
        return Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }));
      return disk.open(path, ...rest);
    },
  };
  await repairLayout(at.directory, { fs });
  const store = await openLayout(at.directory, { fs });
  onTestFinished(() => store.close());
  const findings = await found(store.check({ repair: true }));
  expect(findings).toContainEqual(expect.objectContaining({ code: "unreadable", digest: at.multi.digest }));
  expect(findings.filter((each) => each.repaired)).toEqual([]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  isFailing = false;
  await repaired(at);
  expect((await found((await at.open()).check())).filter(({ level }) => level !== "note")).toEqual([]);
});

test.each([
  ["missing", undefined],
  ["garbage", "garbage"],
])("index.json is %s, and more is damaged: a dry run says of all of it what the repair says", async (_, text) => {
  const at = await place();
  await damage(at.blob(at.amd64), "cut short");
  await damage(at.blob(at.layer), "a byte is wrong");
  await rm(at.blob(at.arm64));
  await rm(join(at.directory, "oci-layout"));
  await rm(join(at.directory, "index.json"));
  if (text !== undefined) await writeFile(join(at.directory, "index.json"), text);
  const before = await contentOf(at.directory);
  const options = { repair: true, from: [(await at.mirror()).repository()] };
  const { findings, store } = await foreseeLayout(at.directory);
  const planned = [...findings, ...(await found(store.check({ ...options, dryRun: true })))];
  await store.close();
  expect(await contentOf(at.directory)).toEqual(before);
  const done = [...(await repairLayout(at.directory)), ...(await found((await at.open()).check(options)))];
  // But for notes of what it has set aside, and of what was told of bytes once they were mended.
  const isSaid = ({ level }: Finding) => level !== "note";
  expect(planned.filter(isSaid)).toEqual(done.filter(isSaid));
  expect(done.filter(isSaid).length).toBeGreaterThan(4);
});
