import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLayout, repairLayout } from "../../src/index.ts";
import { bytes } from "../support/bytes.ts";
import { temporaryDirectory } from "../support/foreign-layout.ts";
import { contentOf, damage, found, KINDS, place, repaired } from "./place.ts";

test.each(KINDS)("a layer, %s, is replaced from a source, and the damaged one is kept", async (how) => {
  const at = await place();
  const wrong = await damage(at.blob(at.layer), how);
  const { mended, left } = await repaired(at, { from: [(await at.mirror()).repository()] });
  expect(mended).toMatchObject([{ code: "corrupt", digest: at.layer.digest, repaired: /sound copy/ }]);
  expect(left).toEqual([]);
  expect(await readFile(at.blob(at.layer), "utf8")).toBe("a layer that both share");
  const [aside] = await readdir(join(at.ours, "damaged"));
  expect(new Uint8Array(await readFile(join(at.ours, "damaged", aside!)))).toEqual(new Uint8Array(wrong));
});

test.each(KINDS)("a layer, %s, without a source is set aside, and a push makes the store whole", async (how) => {
  const at = await place();
  await damage(at.blob(at.layer), how);
  const { mended, left } = await repaired(at);
  expect(mended).toMatchObject([{ code: "corrupt", repaired: /set aside/ }]);
  expect(left.map(({ code }) => code)).toEqual(["missing", "missing"]);
  const store = await at.open();
  await store.repository().session(async (session) => {
    expect(await session.has([at.layer.digest])).toEqual(new Set());
    await session.putBlob(bytes("a layer that both share"));
  });
  expect((await found(store.check())).filter(({ level }) => level !== "note")).toEqual([]);
});

test.each(KINDS)("a manifest, %s, stays where it is without a source, and comes back from one", async (how) => {
  const at = await place();
  const wrong = await damage(at.blob(at.amd64), how);
  const { mended, left } = await repaired(at);
  expect(mended).toEqual([]);
  expect(left.map(({ code, digest }) => [code, digest])).toContainEqual(["corrupt", at.amd64.digest]);
  expect(new Uint8Array(await readFile(at.blob(at.amd64)))).toEqual(new Uint8Array(wrong));
  const second = await repaired(at, { from: [(await at.mirror()).repository()] });
  expect(second.left).toEqual([]);
  expect((await (await at.open()).repository().manifest("v1")).layers).toHaveLength(2);
});

test("what is missing is fetched with all that is missing below it, line by line", async () => {
  const at = await place();
  for (const each of [at.multi, at.arm64, at.layer]) await rm(at.blob(each));
  const { mended, left } = await repaired(at, { from: [(await at.mirror()).repository()] });
  expect(left).toEqual([]);
  expect(new Set(mended.map(({ digest }) => digest))).toEqual(
    new Set([at.multi.digest, at.arm64.digest, at.layer.digest]),
  );
  expect(await found((await at.open()).check())).toEqual([]);
});

test("a tag whose manifest is gone is reported and stays", async () => {
  const at = await place();
  await rm(at.blob(at.multi));
  const { mended, left } = await repaired(at);
  expect(mended).toEqual([]);
  expect(left).toMatchObject([{ code: "dangling", digest: at.multi.digest }]);
  expect(await (await at.open()).parts.catalog.resolve("", "multi")).toBe(at.multi.digest);
});

test("a source that has other bytes is not believed", async () => {
  const at = await place();
  await rm(at.blob(at.layer));
  const liar = {
    blob: async function* () {
      yield bytes("something else");
    },
  };
  const { mended, left } = await repaired(at, { from: [liar] });
  expect(mended).toEqual([]);
  expect(left.map(({ code }) => code)).toEqual(["missing", "missing"]);
  expect(await readdir(join(at.ours, "uploads"))).toEqual([]);
});

test("what is missing and waits in the trash comes back from there", async () => {
  const at = await place();
  const copy = await readFile(join(at.directory, "index.json"));
  await (await at.open()).repository().delete(["multi", "v1"], { window: 3_600_000 });
  await writeFile(join(at.directory, "index.json"), copy);
  const { left } = await repaired(at);
  expect(left).toEqual([]);
  expect(await found((await at.open()).check())).toEqual([]);
});

test("a damaged run is kept waiting, and does not stop a collection any more", async () => {
  const at = await place();
  const store = await at.open();
  const { run } = await store.repository().delete("multi", { window: 3_600_000 });
  await writeFile(join(at.ours, "trash", run, "run.json"), '{"format":1,"at":');
  await expect(store.collect()).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  const { mended } = await repaired(at);
  expect(mended).toMatchObject([{ code: "layout", repaired: /waits/ }]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
});

test("leftovers go, and an empty run with them", async () => {
  const at = await place();
  await writeFile(join(at.ours, "init-0011.new"), "{");
  await mkdir(join(at.ours, "trash", "run1"), { recursive: true });
  const { all, left } = await repaired(at);
  expect(left).toEqual([]);
  expect(all.filter(({ code }) => code === "leftover")).toHaveLength(2);
  expect(await readdir(at.ours)).not.toContain("init-0011.new");
  expect(await readdir(join(at.ours, "trash"))).toEqual([]);
  expect(await readdir(join(at.ours, "damaged"))).toEqual(["init-0011.new.1"]);
});

test("entries that deny their bytes, or are there twice, are put right; one without bytes stays", async () => {
  const at = await place();
  const path = join(at.directory, "index.json");
  const index = JSON.parse(await readFile(path, "utf8"));
  const [first, second] = index.manifests;
  const gone = {
    ...second,
    digest: `sha256:${"0".repeat(64)}`,
    annotations: { "org.opencontainers.image.ref.name": "gone" },
  };
  index.manifests = [{ ...first, size: 7, "x-kept": 1 }, second, second, gone];
  await writeFile(path, JSON.stringify(index));
  const { mended, left } = await repaired(at);
  expect(mended).toHaveLength(2);
  expect(left).toMatchObject([{ code: "dangling", digest: gone.digest }]);
  expect(JSON.parse(await readFile(path, "utf8")).manifests).toEqual([{ ...first, "x-kept": 1 }, second, gone]);
});

test.each([
  ["missing", undefined],
  ["garbage", "not json at all"],
  ["cut off in its second entry", 0.75],
] as const)("a store whose index.json is %s is opened again", async (_, how) => {
  const at = await place();
  const path = join(at.directory, "index.json");
  if (how === undefined) await rm(path);
  else if (typeof how === "string") await writeFile(path, how);
  else await truncate(path, Math.floor((await readFile(path)).length * how));
  await rm(join(at.directory, "oci-layout"));
  await expect(openLayout(at.directory)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  const before = await contentOf(at.directory);
  const planned = await repairLayout(at.directory, { dryRun: true });
  expect(await contentOf(at.directory)).toEqual(before);
  const done = await repairLayout(at.directory);
  expect(done.filter(({ code }) => code === "layout")).toEqual(planned.filter(({ code }) => code === "layout"));
  const store = await at.open(at.directory);
  expect((await found(store.check())).filter(({ level }) => level === "error")).toEqual([]);
  expect(await store.collect({ grace: 0 })).toMatchObject({ removed: 0 });
  const tags = [];
  for await (const { name } of store.repository().tags()) tags.push(name);
  expect(tags).toEqual(typeof how === "number" ? ["multi"] : []);
  const again = await repairLayout(at.directory);
  expect(again.filter(({ code }) => code === "layout")).toEqual([]);
  if (typeof how === "string") expect(await readFile(join(at.ours, "damaged/index.json.1"), "utf8")).toBe(how);
});

test.each(["store.json", "pins.json", "leases.json", "lost.json"])("a damaged %s is set aside", async (name) => {
  const at = await place();
  const store = await at.open();
  await store.repository().pin("v1", "keep");
  await store.repository().untag("v1");
  await store.collect();
  const path = join(at.ours, name);
  const text = await readFile(path, "utf8");
  await copyFile(path, join(at.directory, "..", name));
  await writeFile(path, text.trimEnd().slice(0, -1));
  const done = await repairLayout(at.directory);
  expect(done.filter(({ code, repaired: how }) => code === "layout" && how)).toHaveLength(1);
  expect(await readdir(join(at.ours, "damaged"))).toEqual([`${name}.1`]);
  const again = await at.open(at.directory);
  const pins = [];
  for await (const pin of again.parts.catalog.pins("")) pins.push(pin.name);
  expect(pins).toEqual(["keep"]);
  expect(await again.collect()).toMatchObject({ removed: 0 });
});

test("what a newer ocistore has written is left alone, to the letter", async () => {
  const at = await place();
  await writeFile(join(at.ours, "pins.json"), '{"format":99}');
  await writeFile(join(at.directory, "index.json"), "garbage");
  const before = await contentOf(at.directory);
  await expect(repairLayout(at.directory)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  expect(await contentOf(at.directory)).toEqual(before);
});

test("a directory that was no layout does not become one", async () => {
  const directory = await temporaryDirectory();
  await writeFile(join(directory, "letter.txt"), "dear");
  await expect(repairLayout(directory)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
  expect(await readdir(directory)).toEqual(["letter.txt"]);
});
