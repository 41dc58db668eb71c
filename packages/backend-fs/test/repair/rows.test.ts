import { appendFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type FileSystem, nodeFileSystem, openLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { found, place, repaired } from "./place.ts";

// What a repair leaves as it is, and what it puts right in index.json.

async function indexOf({ directory }: { readonly directory: string }) {
  const path = join(directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  return { index, write: () => writeFile(path, JSON.stringify(index)), read: () => readFile(path, "utf8") };
}

test("bytes that cannot be read are reported and stay: they may be sound", async () => {
  const at = await place();
  const disk = nodeFileSystem();
  const broken: FileSystem = {
    ...disk,
    open: (path, ...rest) =>
      path === at.blob(at.layer)
        ? Promise.reject(Object.assign(new Error("EIO"), { code: "EIO" }))
        : disk.open(path, ...rest),
  };
  const store = await openLayout(at.directory, { fs: broken });
  onTestFinished(() => store.close());
  const from = [(await at.mirror()).repository()];
  const findings = await found(store.check({ repair: true, from }));
  expect(findings).toMatchObject([{ level: "error", code: "unreadable", digest: at.layer.digest }]);
  expect(findings[0]!.repaired).toBeUndefined();
  expect(await readFile(at.blob(at.layer), "utf8")).toBe("a layer that both share");
  expect(await readdir(at.ours)).not.toContain("damaged");
});

test("an entry that is no descriptor is reported, stays to the letter, and nothing is deleted beside it", async () => {
  const at = await place();
  const { index, write, read } = await indexOf(at);
  index.manifests.unshift({ digest: "sha256:short", size: 3, "x-mine": [1] });
  await write();
  const before = await read();
  const { mended, all } = await repaired(at);
  expect(mended).toEqual([]);
  expect(all).toMatchObject([{ level: "error", code: "layout", path: join(at.directory, "index.json") }]);
  expect(await read()).toBe(before);
  await expect((await at.open()).repository().delete(["multi", "v1"])).rejects.toMatchObject({
    code: "LAYOUT_INVALID",
  });
});

test("an entry that calls a manifest something else is put right by its bytes", async () => {
  const at = await place();
  const { index, write, read } = await indexOf(at);
  const entry = index.manifests.find(({ digest }: { digest: string }) => digest === at.multi.digest);
  const said = entry.mediaType;
  entry.mediaType = "application/vnd.oci.image.manifest.v1+json";
  await write();
  await expect((await at.open()).repository().manifest("multi")).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  const { mended, left } = await repaired(at);
  expect(mended).toMatchObject([{ code: "layout", digest: at.multi.digest, repaired: /image\.index/ }]);
  expect(left).toEqual([]);
  entry.mediaType = said;
  expect(JSON.parse(await read())).toEqual(index);
});

test("what can be read of a damaged session holds, and a repair leaves it alone", async () => {
  const at = await place();
  const store = await at.open();
  const session = store.repository().openSession("pusher");
  const { digest } = await session.putBlob(bytes("claimed, and not named yet"));
  const path = join(at.ours, "sessions", "pusher");
  await appendFile(path, "\nhold sha256:0123");
  await writeFile(join(at.ours, "sessions", "other"), "not a session at all");
  const before = await readFile(path, "utf8");
  const { all } = await repaired(at);
  expect(all).toEqual([]);
  expect(await readFile(path, "utf8")).toBe(before);
  expect(await readFile(join(at.ours, "sessions", "other"), "utf8")).toBe("not a session at all");
  expect(await (await at.open()).collect({ grace: 0 })).toMatchObject({ removed: 0 });
  await session.end();
  expect(await (await at.open()).collect({ grace: 0 })).toMatchObject({ removed: 1 });
  expect(await readdir(join(at.directory, "blobs/sha256"))).not.toContain(digest.slice("sha256:".length));
});

test("a lock file that a dead process has left is in nobody's way, a repair's neither", async () => {
  const at = await place();
  const locks = join(at.ours, "lock");
  await mkdir(locks, { recursive: true });
  const latest = (await readdir(locks))
    .filter((name) => /^\d+$/.test(name))
    .sort()
    .at(-1)!;
  const next = String(Number(latest) + 1).padStart(latest.length, "0");
  // Its writer died before it had said who it was.
  await writeFile(join(locks, next), "");
  const { all } = await repaired(at);
  expect(all).toEqual([]);
  await (await at.open()).repository().tag("v1", "v2");
});
